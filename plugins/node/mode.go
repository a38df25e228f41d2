package node

import (
	"fmt"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Mode is the position of Ballast's one switch.
type Mode string

// The positions of the switch.
const (
	// Active divides the node as wanted.
	Active Mode = "active"
	// Shadow shows the plan and changes nothing.
	Shadow Mode = "shadow"
	// Off neither plans nor changes; groups stay as they are.
	Off Mode = "off"

	// unread is before the first answer about the switch: nothing is changed.
	unread Mode = ""
)

// readMode reads the switch, nil where it does not exist; absent means active.
func readMode(obj any) (Mode, error) {
	var text string
	if cm, ok := obj.(*v1.ConfigMap); ok {
		text = cm.Data[v1alpha1.SwitchKey]
	}
	switch mode := Mode(text); mode {
	case Active, Shadow, Off:
		return mode, nil
	case "":
		return Active, nil
	}
	return unread, fmt.Errorf("key %q is %q, expected %s, %s or %s", v1alpha1.SwitchKey, text, Active, Shadow, Off)
}
