import { type Kysely, sql } from 'kysely'
import type { Columns } from '../columns.ts'

/** The tables of a hosted registry. Written against the schema builder only, never against the types of today's schema. */
export async function up(db: Kysely<unknown>, columns: Columns): Promise<void> {
  const { id, text, bytes, long, keyed } = columns

  await id(db.schema.createTable('repositories'))
    .addColumn('name', text, (c) => c.notNull().unique())
    .addColumn('format', text, (c) => c.notNull())
    .addColumn('type', text, (c) => c.notNull())
    .addColumn('blob_store', text, (c) => c.notNull())
    .addColumn('write_policy', text, (c) => c.notNull())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('managed_by', text, (c) => c.notNull())
    .addColumn('created_at', long, (c) => c.notNull())
    .execute()

  await id(db.schema.createTable('images'))
    .addColumn('repository_id', long, (c) => c.notNull().references('repositories.id'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('created_at', long, (c) => c.notNull())
    .addUniqueConstraint('images_by_name', ['repository_id', 'name'])
    .execute()

  await id(db.schema.createTable('manifests'))
    .addColumn('image_id', long, (c) => c.notNull().references('images.id').onDelete('cascade'))
    .addColumn('digest', text, (c) => c.notNull())
    .addColumn('media_type', text, (c) => c.notNull())
    .addColumn('size', long, (c) => c.notNull())
    .addColumn('artifact_type', text)
    .addColumn('subject', text)
    .addColumn('annotations', text)
    .addColumn('created_at', long, (c) => c.notNull())
    // Last, so that scans of the other columns do not walk the overflow pages of large manifests.
    .addColumn('content', bytes, (c) => c.notNull())
    .addUniqueConstraint('manifests_by_digest', ['image_id', 'digest'])
    .execute()
  await db.schema.createIndex('manifests_by_content').on('manifests').column('digest').execute()
  await db.schema
    .createIndex('manifests_by_subject')
    .on('manifests')
    .columns(['image_id', 'subject', 'digest'])
    .where(sql.ref('subject'), 'is not', null)
    .execute()

  await keyed(
    db.schema
      .createTable('manifest_references')
      .addColumn('image_id', long, (c) => c.notNull())
      .addColumn('digest', text, (c) => c.notNull())
      .addColumn('manifest_id', long, (c) => c.notNull().references('manifests.id').onDelete('cascade'))
      .addPrimaryKeyConstraint('manifest_references_key', ['image_id', 'digest', 'manifest_id']),
  ).execute()
  await db.schema.createIndex('references_by_manifest').on('manifest_references').column('manifest_id').execute()

  await keyed(
    db.schema
      .createTable('tags')
      .addColumn('image_id', long, (c) => c.notNull().references('images.id').onDelete('cascade'))
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('digest', text, (c) => c.notNull())
      .addColumn('updated_at', long, (c) => c.notNull())
      .addColumn('checked_at', long)
      .addPrimaryKeyConstraint('tags_key', ['image_id', 'name']),
  ).execute()
  await db.schema.createIndex('tags_by_digest').on('tags').columns(['image_id', 'digest']).execute()

  await id(db.schema.createTable('tag_history'))
    .addColumn('image_id', long, (c) => c.notNull().references('images.id').onDelete('cascade'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('digest', text)
    .addColumn('at', long, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('history_by_tag').on('tag_history').columns(['image_id', 'name', 'id']).execute()

  await keyed(
    db.schema
      .createTable('blobs')
      .addColumn('store', text, (c) => c.notNull())
      .addColumn('digest', text, (c) => c.notNull())
      .addColumn('size', long, (c) => c.notNull())
      .addColumn('state', text, (c) => c.notNull())
      .addColumn('lease_until', long, (c) => c.notNull())
      .addColumn('created_at', long, (c) => c.notNull())
      .addPrimaryKeyConstraint('blobs_key', ['store', 'digest']),
  ).execute()
  await db.schema
    .createIndex('blobs_deleting')
    .on('blobs')
    .columns(['store', 'digest'])
    .where(sql.ref('state'), '=', sql.lit('deleting'))
    .execute()

  await keyed(
    db.schema
      .createTable('blob_links')
      .addColumn('image_id', long, (c) => c.notNull().references('images.id').onDelete('cascade'))
      .addColumn('digest', text, (c) => c.notNull())
      .addColumn('lease_until', long, (c) => c.notNull())
      .addColumn('created_at', long, (c) => c.notNull())
      .addPrimaryKeyConstraint('blob_links_key', ['image_id', 'digest']),
  ).execute()
  await db.schema.createIndex('links_by_digest').on('blob_links').columns(['digest', 'image_id']).execute()

  await keyed(
    db.schema
      .createTable('uploads')
      .addColumn('id', text, (c) => c.notNull().primaryKey())
      .addColumn('repository_id', long, (c) => c.notNull().references('repositories.id').onDelete('cascade'))
      .addColumn('image', text, (c) => c.notNull())
      .addColumn('store', text, (c) => c.notNull())
      .addColumn('started_at', long, (c) => c.notNull())
      .addColumn('updated_at', long, (c) => c.notNull())
      .addColumn('holder', text)
      .addColumn('held_until', long, (c) => c.notNull()),
  ).execute()
  await db.schema.createIndex('uploads_by_age').on('uploads').column('updated_at').execute()

  await id(db.schema.createTable('gc_queue'))
    .addColumn('image_id', long, (c) => c.notNull())
    .addColumn('store', text, (c) => c.notNull())
    .addColumn('digest', text, (c) => c.notNull())
    .addColumn('due_at', long, (c) => c.notNull())
    .addColumn('asked', 'integer', (c) => c.notNull().defaultTo(1))
    .addUniqueConstraint('gc_queue_key', ['image_id', 'store', 'digest'])
    .execute()
  await db.schema.createIndex('gc_queue_by_due').on('gc_queue').column('due_at').execute()

  await id(db.schema.createTable('users'))
    .addColumn('name', text, (c) => c.notNull().unique())
    .addColumn('password_hash', text, (c) => c.notNull())
    .addColumn('admin', 'integer', (c) => c.notNull())
    .addColumn('created_at', long, (c) => c.notNull())
    .execute()

  await keyed(
    db.schema
      .createTable('facts')
      .addColumn('name', text, (c) => c.notNull().primaryKey())
      .addColumn('value', text, (c) => c.notNull()),
  ).execute()
}
