package realnodes

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
)

type object = map[string]any

// containerdSocket is the address at which containerd listens, in the node's own /run: it is the only one where cAdvisor, inside the
// kubelet, looks for the containers' names.
const containerdSocket = "/run/containerd/containerd.sock"

// containerdConfig is containerd's. Its other files are where they are by default: the node has its own /run, /var/lib and /var/log. The
// arguments are the folder of the tools, the pause image and the folder of CNI's configuration.
//
// Containers get copies of their images, a few megabytes, instead of an overlay of them: an overlay cannot lie on another, which is what
// the temporary folder is in a container. Out-of-memory scores are not lowered further than the machine allows: else no pod starts
// where CAP_SYS_RESOURCE is missing.
const containerdConfig = `version = 3
[grpc]
  address = "` + containerdSocket + `"
[plugins.'io.containerd.internal.v1.opt']
  path = "/var/lib/containerd/opt"
[plugins.'io.containerd.nri.v1.nri']
  socket_path = "/run/nri/nri.sock"
  plugin_path = "/var/lib/nri/plugins"
  plugin_config_path = "/var/lib/nri/conf.d"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "native"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "%[2]s"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  cdi_spec_dirs = []
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["%[1]s"]
  conf_dir = "%[3]s"
  use_internal_loopback = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    BinaryName = "%[1]s/runc"
    SystemdCgroup = false
`

// cniConfig gives pods an interface on a bridge of the node, without translation of addresses: everybody here knows the way.
func (n *Node) cniConfig() object {
	return object{
		"cniVersion": "1.0.0", "name": "pods",
		"plugins": []object{{
			"type": "cni-bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true,
			"ipam": object{
				"type":   "cni-host-local",
				"ranges": [][]object{{{"subnet": n.podRange()}}},
				"routes": []object{{"dst": "0.0.0.0/0"}},
			},
		}},
	}
}

// kubeletConfig leaves at its default what does not have to differ. Times are shorter than usual, because people wait for them.
func (n *Node) kubeletConfig(certFile, keyFile string) object {
	return object{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": n.Address, "healthzBindAddress": "127.0.0.1",
		"tlsCertFile": certFile, "tlsPrivateKeyFile": keyFile,
		"authentication": object{
			"anonymous": object{"enabled": false}, "webhook": object{"enabled": true}, "x509": object{"clientCAFile": n.cluster.AuthorityFile()},
		},
		"authorization":            object{"mode": "Webhook"},
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"cgroupDriver":             "cgroupfs", "cgroupRoot": n.Cgroup, "failCgroupV1": false,
		"protectKernelDefaults": true, // the sandbox shows the values it wants; should it want others, it must not set them
		"failSwapOn":            false,
		"resolvConf":            filepath.Join(n.dir, "resolv.conf"),
		"volumePluginDir":       "/var/lib/kubelet/volumeplugins", // by default a folder in /usr
		"registerNode":          true, "nodeStatusUpdateFrequency": "5s", "syncFrequency": "10s",
		// The disk is the machine's: how full it is says nothing about the node.
		"evictionHard":                object{"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%", "nodefs.inodesFree": "0%"},
		"imageGCHighThresholdPercent": 100,
	}
}

// writeFiles makes the node's folder, cgroup, certificates and configuration.
func (n *Node) writeFiles(context.Context) error {
	for _, name := range []string{"", "cni", "lib", "log"} {
		if err := os.Mkdir(filepath.Join(n.dir, name), 0o755); err != nil {
			return fmt.Errorf("making the node's folders: %w", err)
		}
	}
	if err := sandbox.MakeCgroup(n.Cgroup); err != nil {
		return err
	}
	certFile, keyFile, err := n.cluster.ServingCertificate(n.Name, n.Name, n.Address)
	if err != nil {
		return err
	}
	if err := n.writeKubeconfig(); err != nil {
		return err
	}
	files := map[string][]byte{
		"containerd.toml":   fmt.Appendf(nil, containerdConfig, n.cluster.ToolDir(), n.config.Pause, filepath.Join(n.dir, "cni")),
		"cni/pods.conflist": encode(n.cniConfig()),
		"kubelet.json":      encode(n.kubeletConfig(certFile, keyFile)),
		"resolv.conf":       nil, // no names
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(n.dir, name), content, 0o600); err != nil {
			return fmt.Errorf("writing the node's files: %w", err)
		}
	}
	return nil
}

// writeKubeconfig writes the kubelet's. It has a node's identity and sees what a node may see, at the address where the node sees the API server.
func (n *Node) writeKubeconfig() error {
	file, err := n.cluster.UserKubeconfig("system:node:"+n.Name, "system:nodes")
	if err != nil {
		return err
	}
	config, err := clientcmd.LoadFromFile(file)
	if err != nil {
		return fmt.Errorf("reading a kubeconfig: %w", err)
	}
	for _, cluster := range config.Clusters {
		if cluster.Server, err = atAddress(cluster.Server, ControlPlaneAddress); err != nil {
			return err
		}
	}
	if err := clientcmd.WriteToFile(*config, n.kubeconfig()); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}

// kubeconfig is the path of the kubelet's.
func (n *Node) kubeconfig() string { return filepath.Join(n.dir, "kubeconfig") }

// encode writes strings, numbers, booleans, maps and slices of them as JSON, which cannot fail.
func encode(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}
