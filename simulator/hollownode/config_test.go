package hollownode

import (
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes/fake"
)

func TestConfig(t *testing.T) {
	valid := func() Config {
		return Config{Client: fake.NewClientset(), Namespaces: []string{"shop"}, Speedup: 60}
	}
	for field, change := range map[string]func(*Config){
		"Client":     func(c *Config) { c.Client = nil },
		"Namespaces": func(c *Config) { c.Namespaces = nil },
		"Speedup":    func(c *Config) { c.Speedup = 0 },
		"Tick":       func(c *Config) { c.Tick = -1 },
		"Memory":     func(c *Config) { c.Memory = map[string]Memory{"web": {}} },
		"Endpoint":   func(c *Config) { c.OTLP = &OTLP{Endpoint: "localhost:4318", Period: 1} },
		"Period":     func(c *Config) { c.OTLP = &OTLP{Endpoint: "http://localhost:4318"} },
		"Plant":      func(*Config) {}, // has no application
	} {
		cfg := valid()
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "field "+field) && !strings.Contains(err.Error(), "field OTLP: field "+field) {
			t.Errorf("%s: %v, expected an error that names the field", field, err)
		}
	}
}
