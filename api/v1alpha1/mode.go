package v1alpha1

import "fmt"

// Mode is the position of Ballast's one switch, key [SwitchKey] of ConfigMap [SwitchNamespace]/[SwitchName]. All components honour it within
// 10 seconds. The zero Mode is no position: a component that has not read the switch yet has it, and decides nothing.
type Mode string

// The positions of the switch.
const (
	// Active decides: pods are placed, requests recommended and nodes divided.
	Active Mode = "active"
	// Shadow computes and shows every decision, and changes nothing.
	Shadow Mode = "shadow"
	// Off decides nothing: stock scheduling, stock recommendations, nodes stay divided as they are.
	Off Mode = "off"
)

// ParseMode reads the value of the switch. An empty one, which is also that of an absent key or ConfigMap, means Active. The error names the
// key and what it may hold; whoever follows the switch then keeps the mode it has.
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case Active, Shadow, Off:
		return mode, nil
	case "":
		return Active, nil
	}
	return "", fmt.Errorf("key %q is %q, expected %s, %s or %s", SwitchKey, text, Active, Shadow, Off)
}

// String returns the mode as the switch has it.
func (m Mode) String() string { return string(m) }
