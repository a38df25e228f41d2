package resctrlfs

import (
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/machines"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/monitoring"
)

// Spec is a machine; package machines has some ready. Nothing that a Spec points to may be changed once a Tree is made of it.
type Spec = machines.Spec

// Options are the options of mount(8).
type Options = machines.Options

// Monitoring is cache occupancy and bandwidth monitoring.
type Monitoring = monitoring.Spec

// The events of a machine's L3 monitoring, named as the files that show them.
const (
	LLCOccupancy  = monitoring.LLCOccupancy
	MBMTotalBytes = monitoring.MBMTotalBytes
	MBMLocalBytes = monitoring.MBMLocalBytes
)

// The kernels; see package kerneltext.
const (
	Modern = kerneltext.Modern // Linux 6.16 to 6.18
	Padded = kerneltext.Padded // Linux 5.15
	Legacy = kerneltext.Legacy // Linux 4.20
)
