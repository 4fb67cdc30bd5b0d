package certification

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/katacert/katacert/fixtures/pods"
	"github.com/katacert/katacert/probes/evidence"
)

// annotationDefaultClass marks the StorageClass of claims that name none
// (https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass).
const annotationDefaultClass = "storageclass.kubernetes.io/is-default-class"

// findStorage learns whether claims of volumes can be served, so that tenants'
// datasets lie where real ones do. Where they cannot, a folder of the node that
// goes with the pod stands in, and the report says so.
func (r *runner) findStorage(ctx context.Context) error {
	if r.o.StorageClass != "" {
		r.claims = true
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeouts.Request)
	defer cancel()
	classes, err := r.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the StorageClasses for the tenants' datasets: %w", err)
	}
	for _, class := range classes.Items {
		if class.Annotations[annotationDefaultClass] == "true" {
			r.claims = true
			return nil
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Notices = append(r.report.Notices,
		"Tenancy: the cluster has no default StorageClass and --storage-class names none; folders of the node (emptyDir) stand in for the tenants' dataset volumes.")
	return nil
}

// data is what the pod of a vantage holds of its tenant; nil where the plan needs
// no tenants' data.
func (t *targetRun) data(v evidence.Vantage) *pods.Data {
	if !t.r.plan.tenants() {
		return nil
	}
	data := &pods.Data{Secret: pods.TenantSecret}
	if t.r.claims {
		data.Claim = pods.Name(v+"-data", t.target.ID)
	}
	return data
}

// claimData makes the claim of a tenant's dataset volume, where its pod has one.
func (t *targetRun) claimData(ctx context.Context, s *seat) error {
	if s.data == nil || s.data.Claim == "" {
		return nil
	}
	claim := pods.TrainingClaim(pods.ClaimOptions{
		Run: t.r.o.RunID, Target: t.target.ID, Vantage: s.vantage, Namespace: s.pod.Namespace,
		Name: s.data.Claim, StorageClass: t.r.o.StorageClass,
	})
	if _, err := t.r.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the volume claim %s/%s of a tenant's dataset: %w", claim.Namespace, claim.Name, err)
	}
	return nil
}
