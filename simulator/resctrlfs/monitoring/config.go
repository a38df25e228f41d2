package monitoring

import (
	"fmt"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

const (
	allTransactions   = 0x7f // MAX_EVT_CONFIG_BITS
	localTransactions = 0x15 // READS_TO_LOCAL_MEM, NON_TEMP_WRITE_TO_LOCAL_MEM, READS_TO_LOCAL_S_MEM
)

// configuration is which kinds of memory transactions an event counts, by domain.
type configuration struct {
	mask     uint32
	values   map[counterID]uint32 // RMID 0 stands for all
	changes  map[int]int          // how often a domain was configured anew
	lastRead map[counterID]int    // the number of changes when a counter was last read
}

func newConfiguration(s Spec) configuration {
	return configuration{
		mask: s.ConfigurableEvents, values: map[counterID]uint32{}, changes: map[int]int{}, lastRead: map[counterID]int{},
	}
}

// stale reports whether a counter is read for the first time since its domain was configured; then the hardware has no value
// (MSR_IA32_QM_CTR.Unavailable, mbm_config_write_domain).
func (c *configuration) stale(at counterID) bool {
	was := c.lastRead[at]
	c.lastRead[at] = c.changes[at.domain]
	return isBandwidth(at.event) && was != c.changes[at.domain]
}

// prime is what the read that mkdir makes itself leaves behind (mon_event_read with first).
func (c *configuration) prime(at counterID) { c.lastRead[at] = c.changes[at.domain] }

// Configurable reports whether what bandwidth events count can be chosen.
func (m *Monitor) Configurable() bool { return m.config.mask != 0 }

// EventConfig is mbm_total_bytes_config or mbm_local_bytes_config (mbm_config_show).
func (m *Monitor) EventConfig(event string) string {
	return m.byDomain(func(d Domain) string { return fmt.Sprintf("0x%02x", m.eventConfig(event, d.ID)) })
}

func (m *Monitor) eventConfig(event string, domain int) uint32 {
	if value, is := m.config.values[counterID{0, domain, event}]; is {
		return value
	}
	if event == MBMLocalBytes {
		return m.config.mask & localTransactions
	}
	return m.config.mask
}

// WriteEventConfig is mon_config_write: id=value in hexadecimal, separated by semicolons. The text has no newline at its end. A domain whose
// value changes loses all bandwidth counts, of both events. It stops at the first that is wrong; what was done stays.
func (m *Monitor) WriteEventConfig(event, text string) syscall.Errno {
	for text != "" {
		var item string
		item, text, _ = strings.Cut(text, ";")
		name, number, _ := strings.Cut(kerneltext.Trim(item), "=")
		id, errno := kerneltext.Unsigned(name, 10, 1<<64-1)
		if errno != 0 {
			m.status.Puts("Missing '=' or non-numeric domain id\n")
			return syscall.EINVAL
		}
		value, errno := kerneltext.Unsigned(number, 16, 1<<64-1)
		if errno != 0 {
			m.status.Puts("Non-numeric event configuration value\n")
			return syscall.EINVAL
		}
		if value > allTransactions || uint32(value)&^m.config.mask != 0 {
			m.status.Printf("Invalid event configuration: max valid mask is 0x%02x\n", m.config.mask)
			return syscall.EINVAL
		}
		if !m.configure(event, id, uint32(value)) {
			return syscall.EINVAL // without a word
		}
	}
	return 0
}

// configure is mbm_config_write_domain; false where there is no such domain.
func (m *Monitor) configure(event string, id uint64, value uint32) bool {
	for _, d := range m.Domains() {
		if uint64(d.ID) != id {
			continue
		}
		if m.eventConfig(event, d.ID) != value {
			m.config.values[counterID{0, d.ID, event}] = value
			m.config.changes[d.ID]++
			for at := range m.counters {
				if at.domain == d.ID && isBandwidth(at.event) {
					delete(m.counters, at)
				}
			}
		}
		return true
	}
	return false
}
