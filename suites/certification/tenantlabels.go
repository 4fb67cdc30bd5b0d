package certification

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/katacert/katacert/fixtures/pods"
)

// ownLabels begin the keys of labels by which katacert and Kubernetes find
// namespaces again.
var ownLabels = []string{"katacert.dev/", pods.LabelManagedBy, corev1.LabelMetadataName}

// ParseTenantLabels reads labels given as key=value. Errors wrap ErrUsage.
func ParseTenantLabels(texts []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		faults := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...)
		for _, own := range ownLabels {
			if strings.HasPrefix(key, own) {
				faults = append(faults, "katacert sets labels "+own+" itself")
			}
		}
		if _, twice := labels[key]; twice {
			faults = append(faults, "the key is given twice")
		}
		if !ok {
			faults = []string{"give it as key=value"}
		}
		if len(faults) > 0 {
			return nil, fmt.Errorf("%w: --tenant-label %q: %s", ErrUsage, text, strings.Join(faults, "; "))
		}
		labels[key] = value
	}
	return labels, nil
}
