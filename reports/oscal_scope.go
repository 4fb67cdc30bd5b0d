package reports

import (
	"iter"
	"slices"

	"github.com/katacert/katacert/suites/judge"
)

// definitions describes katacert's controls as objectives of the NIST controls
// that they stand for.
func (o *oscal) definitions() iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, objective := range o.objectives {
			c := objective.control
			list := properties{{Name: "group", Value: string(c.Group)}, {Name: "level", Value: string(c.Level)}, {Name: "profile", Value: string(c.Profile)},
				{Name: "safety", Value: string(c.Safety)}}
			for _, ref := range c.Refs {
				list.add("reference", ref.String())
			}
			of := c.ID
			if stands := nistControls(c); len(stands) > 0 {
				of = stands[0]
			}
			if !yield(oscalObjective{ControlID: of, Description: Prose(c.Title + ". " + c.Why), Props: oscalProps(list), Parts: []oscalPart{
				{ID: c.ID, Name: "assessment-objective", Prose: Prose(c.Title)},
				{Name: "assessment-method", Props: []oscalProp{{Name: "method", Value: "TEST"}}, Prose: Prose("How it is shown able to fail: " + c.Shown)},
				{Name: "guidance", Prose: Prose("A pass proves: " + c.Proves + " A pass does not prove: " + c.ProvesNot)},
			}}) {
				return
			}
		}
	}
}

// reviewed says which controls were reviewed, NIST's and katacert's: those that
// came to something on at least one target.
func (o *oscal) reviewed() oscalReviewed {
	var controls, objectives oscalSelection
	came := map[string]bool{}
	var order []string
	for _, objective := range o.objectives {
		if objective.applies() {
			objectives.Objectives = append(objectives.Objectives, oscalSelected{Objective: objective.control.ID})
		} else {
			objectives.NoObjective = append(objectives.NoObjective, oscalSelected{Objective: objective.control.ID})
			objectives.Remarks = "An excluded objective was not applicable on any target; its observations say why."
		}
		for _, id := range nistControls(objective.control) {
			if !slices.Contains(order, id) {
				order = append(order, id)
			}
			came[id] = came[id] || objective.applies()
		}
	}
	controls.Description = "Controls of NIST SP 800-53 revision 5 that the objectives stand for. No control is assessed in whole."
	for _, id := range order {
		if came[id] {
			controls.Controls = append(controls.Controls, oscalSelected{Control: id})
		} else {
			controls.NoControls = append(controls.NoControls, oscalSelected{Control: id})
		}
	}
	reviewed := oscalReviewed{Controls: []oscalSelection{controls}}
	if len(o.objectives) > 0 {
		objectives.Description = "Controls of katacert's catalogue in the plan of the run."
		reviewed.Objectives = []oscalSelection{objectives}
	}
	return reviewed
}

// components are the cluster, the images under test, and the runtimes that ran the
// sandboxes.
func (o *oscal) components() []oscalComponent {
	cluster := o.r.Cluster
	var about properties
	about.add("provider", cluster.Provider)
	about.add("server", cluster.Server)
	about.add("kubernetes", cluster.Kubernetes)
	all := []oscalComponent{{UUID: o.r.identity("cluster"), Type: "system", Title: Prose(orUnknown(cluster.Name)), Description: "The cluster that was certified.",
		Props: oscalProps(about), Status: oscalState{State: "operational"}}}
	for _, image := range o.r.Images {
		if image.UnderTest() {
			all = append(all, o.image(image, "An image of what was certified."))
		}
	}
	seen := map[Runtime]bool{}
	for _, t := range o.r.Targets {
		if seen[t.Runtime] {
			continue
		}
		seen[t.Runtime] = true
		var about properties
		about.add("kind", string(t.Runtime.Kind))
		about.add("shim", t.Runtime.Shim)
		about.add("sha256", t.Runtime.Digest)
		all = append(all, oscalComponent{UUID: o.runtime(t), Type: "software", Title: Prose(orUnknown(t.Runtime.Shim)),
			Description: "What ran the pods under test, as the witness found it on the node.", Props: oscalProps(about), Status: oscalState{State: "operational"}})
	}
	return all
}

func (o *oscal) runtime(t Target) string {
	return o.r.identity("runtime", string(t.Runtime.Kind), t.Runtime.Shim, t.Runtime.Digest)
}

// inventory lists the targets.
func (o *oscal) inventory() iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, t := range o.r.Targets {
			list := append(properties{}, targetProperties(t)...)
			list.add("target", t.ID)
			if !yield(oscalItem{UUID: o.r.identity("target", t.ID), Description: "Node and RuntimeClass " + Prose(orUnknown(t.ID)), Props: oscalProps(list),
				Components: []oscalPointer{{Component: o.runtime(t)}, {Component: o.r.identity("cluster")}}}) {
				return
			}
		}
	}
}

// subject points at the target, or at the cluster where no target was known.
func (o *oscal) subject(target string) oscalSubject {
	if target == noTarget && len(o.r.Targets) == 0 {
		return oscalSubject{UUID: o.r.identity("cluster"), Type: "component"}
	}
	return oscalSubject{UUID: o.r.identity("target", target), Type: "inventory-item"}
}

// assets are the tool and its images.
func (o *oscal) assets() oscalAssets {
	tool := oscalComponent{UUID: o.r.identity("tool"), Type: "software", Title: orUnknown(o.r.Run.Tool), Description: "The tool that made the assessment.",
		Props:  oscalProps(properties{{Name: "version", Value: judge.Printable(o.r.Run.Version, longestCell)}}),
		Status: oscalState{State: "operational"}}
	assets := oscalAssets{Components: []oscalComponent{tool}, Platforms: []oscalPlatform{{UUID: o.r.identity("platform"), Title: "katacert",
		Uses: []oscalPointer{{Component: tool.UUID}}}}}
	for _, image := range o.r.Images {
		if image.UnderTest() {
			continue
		}
		part := o.image(image, "An image of the tool that ran in pods.")
		assets.Components = append(assets.Components, part)
		assets.Platforms[0].Uses = append(assets.Platforms[0].Uses, oscalPointer{Component: part.UUID})
	}
	return assets
}

func (o *oscal) image(image Image, what string) oscalComponent {
	var about properties
	about.add("reference", image.Ref)
	about.add("digest", image.Digest)
	return oscalComponent{UUID: o.r.identity("image", image.Name, image.Ref), Type: "software", Title: Prose("Image " + orUnknown(image.Name)),
		Description: what, Props: oscalProps(about), Status: oscalState{State: "operational"}}
}
