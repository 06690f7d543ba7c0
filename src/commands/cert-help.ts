/** Says which file goes where, for every kind of client, with the real names: `host` is what stands in image names, with its port. */
export function installationHelp({ hosts, folder }: { hosts: readonly string[]; folder: string }): string {
  const [host = ''] = hosts
  const ca = `${folder}/ca.crt`
  const others = hosts.slice(1)
  const repeat = others.length > 0 ? `\n   The same for ${others.join(', ')} where clients use those names.` : ''
  return `
1. The server (entrepot serve --config FILE):

     http:
       addr: :${portOf(host)}
       tls:
         certificate: ${folder}/server.crt
         key: ${folder}/server.key

   or: REGISTRY_HTTP_TLS_CERTIFICATE=${folder}/server.crt REGISTRY_HTTP_TLS_KEY=${folder}/server.key

2. On each client, copy ${ca} (the CA's certificate, no secret) to ONE of these places:${repeat}

   docker (no restart needed):
     install -D -m 644 ca.crt /etc/docker/certs.d/${host}/ca.crt

   containerd (2.x, or 1.x with config_path = "/etc/containerd/certs.d"; no restart needed):
     install -D -m 644 ca.crt /etc/containerd/certs.d/${host}/ca.crt
     and /etc/containerd/certs.d/${host}/hosts.toml with
       server = "https://${host}"
       [host."https://${host}"]
         ca = "/etc/containerd/certs.d/${host}/ca.crt"

   podman, skopeo, buildah:
     install -D -m 644 ca.crt /etc/containers/certs.d/${host}/ca.crt
     (for one user: ~/.config/containers/certs.d/${host}/ca.crt)

   the whole system, Debian and Ubuntu:
     install -D -m 644 ca.crt /usr/local/share/ca-certificates/entrepot-${fileName(host)}.crt && update-ca-certificates
   the whole system, RHEL, Rocky, Fedora:
     install -D -m 644 ca.crt /etc/pki/ca-trust/source/anchors/entrepot-${fileName(host)}.crt && update-ca-trust
   (docker and containerd must be restarted to see the system's store)

   every Kubernetes node with containerd, from here:
     for n in $(kubectl get nodes -o jsonpath='{.items[*].status.addresses[?(@.type=="InternalIP")].address}'); do ssh root@$n 'd=/etc/containerd/certs.d/${host}; mkdir -p $d && cat > $d/ca.crt && printf "server = \\"https://${host}\\"\\n[host.\\"https://${host}\\"]\\n  ca = \\"$d/ca.crt\\"\\n" > $d/hosts.toml' < ${ca}; done

3. Try it:
     curl --cacert ${ca} https://${host}/v2/
     docker login ${host}
`
}

function portOf(host: string): string {
  return /:([0-9]+)$/.exec(host)?.[1] ?? '443'
}

function fileName(host: string): string {
  return host.replace(/[^A-Za-z0-9.-]+/g, '-').replace(/^-|-$/g, '')
}
