package otlp

import (
	"unique"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
)

const maxAttributes = 128 // of one resource or point; OpenTelemetry's SDKs stop there too

// The names of attributes are those of OpenTelemetry's semantic conventions: resource attributes "service" and "k8s" (service.*,
// k8s.*), and of HTTP server metrics (http.*, error.type). span.name, span.kind and status.code are what the Collector's
// spanmetrics connector puts on its points.
const (
	keyServiceName      = "service.name"
	keyServiceNamespace = "service.namespace"
	keyNamespace        = "k8s.namespace.name"
	keyDeployment       = "k8s.deployment.name"
	keyContainer        = "k8s.container.name"
	keyPod              = "k8s.pod.uid"
	keySpanName         = "span.name"
	keySpanKind         = "span.kind"
	keyStatus           = "status.code"
	keyMethod           = "http.request.method"
	keyRoute            = "http.route"
	keyResponse         = "http.response.status_code"
	keyError            = "error.type"
)

// attributes are the ones that have a name used here, as text.
type attributes map[string]string

// read takes up the attributes that are used, over what is there already, and returns the Reason if one is too long.
func (s *receiver) read(into attributes, list []*commonpb.KeyValue) Reason {
	if len(list) > maxAttributes {
		return tooManyAttributes
	}
	for _, kv := range list {
		switch kv.GetKey() {
		case keyServiceName, keyServiceNamespace, keyNamespace, keyDeployment, keyContainer, keyPod, keySpanName, keySpanKind, keyStatus,
			keyMethod, keyRoute, keyResponse, keyError:
			text := text(kv.GetValue())
			if len(text) > s.limits.Attribute {
				return longAttribute
			}
			into[kv.GetKey()] = text
		}
	}
	return Kept
}

func (a attributes) resource() unique.Handle[Resource] {
	return unique.Make(Resource{
		K8sNamespace: a[keyNamespace], ServiceNamespace: a[keyServiceNamespace], Service: a[keyServiceName],
		Deployment: a[keyDeployment], Container: a[keyContainer], Pod: a[keyPod],
	})
}
