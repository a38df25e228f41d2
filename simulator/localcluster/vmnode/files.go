package vmnode

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
)

type object = map[string]any

// kernelArguments boot from the disk. A panic ends the machine, as does everything that would boot it anew.
const kernelArguments = "console=ttyS0 quiet root=/dev/nvme0n1 rootfstype=ext4 rw init=/sbin/init panic=-1 psi=1 apparmor=0 mitigations=off"

// initScript is the node's first process, which also buries what daemons leave. It ends with the kubelet, and the machine with it.
const initScript = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
exec </dev/console >/dev/console 2>&1
set -e
/bin/busybox --install -s /bin
export PATH=/opt/bin:/bin HOME=/root
mount -t proc none /proc
mount -t sysfs none /sys
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs -o mode=0755 none /run
mount -t tmpfs none /tmp
mkdir -p /dev/pts /dev/shm
ln -s /run /var/run
mount -t devpts -o ptmxmode=0666 none /dev/pts
mount -t tmpfs none /dev/shm
mount --make-rshared /
for module in virtio_pci virtio_net overlay veth bridge; do modprobe $module; done
hostname ` + Name + `
ip link set lo up
ip addr add ` + Address + `/24 dev eth0
ip link set eth0 up
ip route add default via ` + ControlPlaneAddress + `
echo 1 >/proc/sys/net/ipv4/ip_forward
echo "node: the network is up after $(cut -d' ' -f1 /proc/uptime) s"
set +e
containerd --config /etc/node/containerd.toml --log-level warn &
until ctr version >/dev/null 2>&1; do sleep 0.2; done
echo "node: containerd answers after $(cut -d' ' -f1 /proc/uptime) s"
for image in /images/*; do ctr --namespace k8s.io images import --local "$image"; rm "$image"; done
echo "node: images are imported after $(cut -d' ' -f1 /proc/uptime) s"
kubelet --config=/etc/node/kubelet.json --kubeconfig=/etc/node/kubeconfig --hostname-override=` + Name + ` --node-ip=` + Address + ` \
	--housekeeping-interval=1s --v=1
echo "node: the kubelet has ended"
poweroff -f
`

// containerdConfig leaves at its default what does not have to differ. The argument is the pause image.
const containerdConfig = `version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "%s"
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/opt/bin"]
  conf_dir = "/etc/cni/net.d"
  use_internal_loopback = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    BinaryName = "/opt/bin/runc"
    SystemdCgroup = false
`

// cniConfig gives pods an interface on a bridge of the node, without translation of addresses: everybody here knows the way.
func cniConfig() object {
	return object{
		"cniVersion": "1.0.0", "name": "pods",
		"plugins": []object{{
			"type": "cni-bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true,
			"ipam": object{"type": "cni-host-local", "ranges": [][]object{{{"subnet": podRange}}}, "routes": []object{{"dst": "0.0.0.0/0"}}},
		}},
	}
}

// kubeletConfig leaves at its default what does not have to differ: among it that cgroup v1 is refused.
func kubeletConfig() object {
	return object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": Address, "healthzBindAddress": "127.0.0.1",
		"tlsCertFile": "/etc/node/serving.crt", "tlsPrivateKeyFile": "/etc/node/serving.key",
		"authentication": object{
			"anonymous": object{"enabled": false}, "webhook": object{"enabled": true}, "x509": object{"clientCAFile": "/etc/node/ca.crt"},
		},
		"authorization":            object{"mode": "Webhook"},
		"containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
		"cgroupDriver":             "cgroupfs",
		"resolvConf":               "/etc/node/resolv.conf",
		"registerNode":             true, "nodeStatusUpdateFrequency": "5s", "syncFrequency": "10s",
	}
}

// writeFiles makes certificates and configuration, in the node's /etc.
func (n *Node) writeFiles(etc string) error {
	certFile, keyFile, err := n.cluster.ServingCertificate(Name, Name, Address)
	if err != nil {
		return err
	}
	for from, to := range map[string]string{certFile: "serving.crt", keyFile: "serving.key", n.cluster.AuthorityFile(): "ca.crt"} {
		if err := copyFile(from, filepath.Join(etc, "node", to)); err != nil {
			return fmt.Errorf("copying the node's certificates: %w", err)
		}
	}
	if err := n.writeKubeconfig(filepath.Join(etc, "node/kubeconfig")); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"node/containerd.toml":    fmt.Appendf(nil, containerdConfig, n.config.Pause),
		"node/kubelet.json":       encode(kubeletConfig()),
		"node/resolv.conf":        nil, // no names
		"cni/net.d/pods.conflist": encode(cniConfig()),
		"passwd":                  []byte("root:x:0:0:root:/root:/bin/sh\n"), // the kubelet looks there for a user that pods may have
		"group":                   []byte("root:x:0:\n"),
		"hosts":                   []byte("127.0.0.1 localhost\n"), // containerd copies it into pods
	} {
		if err := os.WriteFile(filepath.Join(etc, name), content, 0o600); err != nil {
			return fmt.Errorf("writing the node's files: %w", err)
		}
	}
	return nil
}

// writeKubeconfig writes the kubelet's. It has a node's identity and sees what a node may see, at the address where the node sees the API server.
func (n *Node) writeKubeconfig(file string) error {
	made, err := n.cluster.UserKubeconfig("system:node:"+Name, "system:nodes")
	if err != nil {
		return err
	}
	config, err := clientcmd.LoadFromFile(made)
	if err != nil {
		return fmt.Errorf("reading a kubeconfig: %w", err)
	}
	for _, cluster := range config.Clusters {
		server, err := url.Parse(cluster.Server)
		if err != nil {
			return fmt.Errorf("reading the address of the API server: %w", err)
		}
		server.Host = net.JoinHostPort(ControlPlaneAddress, server.Port())
		cluster.Server = server.String()
	}
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}

// encode writes strings, numbers, booleans, maps and slices of them as JSON, which cannot fail.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}
