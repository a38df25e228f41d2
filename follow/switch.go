package follow

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Switch returns a follower of Ballast's one switch. While it runs, told is given the mode after every change of the ConfigMap, or the error
// of a value that is no mode, which the listener is to ignore but for saying so. complaint is the Source's.
func Switch(client kubernetes.Interface, complaint string, told func(context.Context, v1alpha1.Mode, error)) *Follower {
	maps := client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	return Object(Source{
		Name: "ConfigMap " + v1alpha1.SwitchNamespace + "/" + v1alpha1.SwitchName, Complaint: complaint,
		Example: &v1.ConfigMap{}, List: Lists(maps.List), Watch: maps.Watch, Client: client,
	}, v1alpha1.SwitchName, func(ctx context.Context, obj any) {
		mode, err := modeOf(obj)
		told(ctx, mode, err)
	})
}

// modeOf reads the ConfigMap of the switch, nil where there is none.
func modeOf(obj any) (v1alpha1.Mode, error) {
	var text string
	if cm, ok := obj.(*v1.ConfigMap); ok {
		text = cm.Data[v1alpha1.SwitchKey]
	}
	return v1alpha1.ParseMode(text)
}
