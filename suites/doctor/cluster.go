package doctor

import (
	"fmt"
	"slices"
	"strings"

	storagev1 "k8s.io/api/storage/v1"

	"github.com/katacert/katacert/suites/access"
	"github.com/katacert/katacert/suites/catalogue"
)

// cluster finds what concerns every target: lists that were refused, permissions
// and storage.
func (o Options) cluster(d *Diagnosis, f *facts) {
	for _, list := range []struct {
		name string
		err  error
	}{{"nodes", f.nodesErr}, {"runtimeclasses", f.classesErr}} {
		if list.err != nil {
			d.add(aboutCluster, list.name, Problem, oneLine(list.err), access.Mend(f.user))
		}
	}
	o.permissions(d, f)
	d.storage(f)
}

// permissions finds what the user lacks, and which profiles he may certify.
func (o Options) permissions(d *Diagnosis, f *facts) {
	for _, profile := range catalogue.Profiles() {
		p := Profile{Name: profile}
		if f.missingErr != nil {
			p.Unknown = oneLine(f.missingErr)
		} else if chosen, err := catalogue.Select(o.Controls, catalogue.Choice{Profile: profile}); err != nil {
			p.Unknown = err.Error()
		} else {
			for _, need := range access.For(chosen, o.Extras) {
				if !need.Optional && lacks(f.missing, need) {
					p.Lacks = append(p.Lacks, need.What())
				}
			}
		}
		d.Profiles = append(d.Profiles, p)
	}
	switch {
	case f.missingErr != nil:
		d.add(aboutCluster, "permissions", Unknown, oneLine(f.missingErr), "ask as a user who may create selfsubjectaccessreviews, as every authenticated user may by default")
	case len(f.missing) == 0:
		d.add(aboutCluster, "permissions", OK, "the user may everything that a run does", "")
	default:
		for _, together := range access.Together(f.missing) {
			state := Missing
			if first := together[0]; first.Need == access.EveryRun && !first.Optional {
				state = Problem
			}
			d.add(aboutCluster, "permission", state, "the user may not "+access.Text(together), access.Mend(f.user))
		}
	}
}

func lacks(missing []access.Missing, need access.Permission) bool {
	return slices.ContainsFunc(missing, func(m access.Missing) bool { return m.Covers(need) })
}

// annotationDefaultClass marks the StorageClass of claims that name none
// (https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass).
const annotationDefaultClass = "storageclass.kubernetes.io/is-default-class"

// storage finds by which StorageClass the training job's volume would come.
func (d *Diagnosis) storage(f *facts) {
	const name = "storage"
	if f.storageErr != nil {
		d.add(aboutCluster, name, Unknown, oneLine(f.storageErr), access.Mend(f.user))
		return
	}
	describe := func(c storagev1.StorageClass) string { return fmt.Sprintf("%s (%s)", c.Name, c.Provisioner) }
	for _, class := range f.storage {
		if class.Annotations[annotationDefaultClass] == "true" {
			d.add(aboutCluster, name, OK, "claims without a StorageClass are served by "+describe(class), "")
			return
		}
	}
	mend := "annotate one as the default, or name one with --storage-class"
	if len(f.storage) == 0 {
		mend = "install a provisioner of volumes; without one, training-converges and training-runtimeclass are errors"
	}
	d.add(aboutCluster, name, Missing, "there is no default StorageClass for the training job's volume; there are: "+strings.TrimSpace(list(f.storage, describe)), mend)
}
