package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// Opened is the effect that the node opened the file that the annotation names.
func Opened() Effect {
	return Effect{onNode: true, sees: func(c *Case, a annotated) Sight {
		if done := c.unplanted("called"); done != nil {
			return *done
		}
		o, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Settle, "plants")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: witness %v", err)}
		}
		opened, ok := o.Values.List("touched")
		proof, decoy := slices.Contains(opened, "called proof"), slices.Contains(opened, "called decoy")
		switch {
		case !ok || !proof:
			return Sight{Outcome: Unknown, Reason: "cannot be judged: it is not known which files the node opened"}
		case decoy:
			return Sight{Outcome: Unknown, Reason: "cannot be judged: something on the node opens every file"}
		case slices.Contains(opened, "called "+a.name):
			return Sight{Outcome: Detected, Reason: "the node opened the file that it names",
				Readings: []Reading{{Name: "opened", Truth: "never", Seen: a.name, Match: true}}}
		default:
			return Sight{Outcome: Undetected, Reason: "did not make the node open the file that it names",
				Readings: []Reading{{Name: "opened", Truth: "never", Seen: "never"}}}
		}
	}}
}

// VirtiofsdGiven is the effect that the node's virtiofsd of the pod was given an
// argument that the subject's was not.
func VirtiofsdGiven(argument string) Effect {
	return Effect{sees: func(c *Case, a annotated) Sight {
		plain, with, done := c.sandboxesInTrial(a)
		if done != nil {
			return *done
		}
		given := func(o evidence.Observation, pod string) (daemons int, given bool) {
			for _, p := range processesOf(o, pod) {
				if p["role"] != virtiofsdRole {
					continue
				}
				daemons++
				arguments, _ := o.Values.List("arguments")
				for _, line := range arguments {
					fields := keyValues(line)
					given = given || fields["pid"] == p["pid"] && decoded(fields["arg"]) == argument
				}
			}
			return daemons, given
		}
		before, given0 := given(plain.o, plain.pod)
		after, given1 := given(with.o, with.pod)
		switch {
		case before == 0:
			return Sight{Outcome: NoTruth, Reason: "the subject's sandbox has no virtiofsd on the node that could be given arguments"}
		case after == 0:
			return Sight{Outcome: Unknown, Reason: "has no virtiofsd on the node, and the subject has"}
		case given0:
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: the subject's virtiofsd has %s too", argument)}
		}
		sight := Sight{Outcome: Undetected, Reason: "did not give its virtiofsd the argument",
			Readings: []Reading{{Name: "virtiofsd", Truth: "without " + argument, Seen: "without", Match: given1}}}
		if given1 {
			sight.Outcome, sight.Reason = Detected, "the node started virtiofsd with the tenant's argument "+argument
			sight.Readings[0].Seen = "with " + argument
		}
		return sight
	}}
}

// LeftItsCgroup is the effect that processes of the sandbox run outside of the
// pod's cgroup, where the subject's are all in it.
func LeftItsCgroup() Effect {
	return Effect{sees: func(c *Case, a annotated) Sight {
		plain, with, done := c.sandboxesInTrial(a)
		if done != nil {
			return *done
		}
		outside := func(o evidence.Observation, pod string) (out []string) {
			for _, p := range processesOf(o, pod) {
				cgroups := decoded(p["cgroup"])
				if !strings.Contains(cgroups, pod) && !strings.Contains(cgroups, strings.ReplaceAll(pod, "-", "_")) {
					out = append(out, p["exe"]+" in "+cgroups)
				}
			}
			return out
		}
		before, after := outside(plain.o, plain.pod), outside(with.o, with.pod)
		sight := Sight{Outcome: Undetected, Reason: "has all of its processes in the pod's cgroup",
			Readings: []Reading{listReading("outside", before, after, len(before) == 0 && len(after) > 0)}}
		switch {
		case len(before) > 0:
			sight.Outcome = NoTruth
			sight.Reason = fmt.Sprintf("the subject's sandbox is not in the pod's cgroup alone either (%s; sandbox_cgroup_only of the runtime's configuration): there is nothing to leave", before[0])
		case len(after) > 0:
			sight.Outcome, sight.Reason = Detected, "processes of the sandbox run outside of the pod's cgroup: "+shorten(after)
		}
		return sight
	}}
}

// Mounted is the effect that the node mounted the file that the annotation names
// where the sandbox's guest is shown it.
func Mounted() Effect {
	return Effect{sees: func(c *Case, a annotated) Sight {
		pod, _ := c.Seen.Pod()
		o, err := c.observe(c.Evidence.View(evidence.Witnessed(a.name)), evidence.Trial, "called-mounts")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be looked at on the node: witness %v", err)}
		}
		mounts, ok := o.Values.List("mounts")
		if !ok {
			return Sight{Outcome: Unknown, Reason: "cannot be looked at on the node: witness " + why(o)}
		}
		for _, line := range mounts {
			if fields := keyValues(line); fields["pod_uid"] == pod.UID && fields["name"] == a.name {
				return Sight{Outcome: Detected, Reason: "the node mounted the file that it names for the guest",
					Readings: []Reading{{Name: "mounted", Truth: "never", Seen: a.name, Match: true}}}
			}
		}
		looked, _ := o.Values.List("looked")
		if cut(o) || !slices.Contains(looked, pod.UID) {
			return Sight{Outcome: Unknown, Reason: "cannot be looked at on the node: the witness did not see the mounts of its shim"}
		}
		return Sight{Outcome: Undetected, Reason: "did not make the node mount the file that it names"}
	}}
}

// onNode is what the witness saw of the processes of a pod's sandbox.
type onNode struct {
	o   evidence.Observation
	pod string
}

// sandboxesInTrial finds the processes of the subject's sandbox and of the annotated
// pod's, as the witness saw them at the same time.
func (c *Case) sandboxesInTrial(a annotated) (plain, with onNode, done *Sight) {
	o, err := c.observe(c.Evidence.View(evidence.Witnessed(a.name)), evidence.Trial, hostedBy)
	if err != nil {
		return plain, with, &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be looked at on the node: witness %v", err)}
	}
	if _, cut := o.Values.Number("truncated"); cut {
		return plain, with, &Sight{Outcome: Unknown, Reason: "cannot be looked at whole: the node has more processes than the witness reads"}
	}
	subject, _ := c.Truth.Pod()
	annotated, _ := c.Seen.Pod()
	for _, pod := range []evidence.Pod{subject, annotated} {
		if pod.UID == "" || len(processesOf(o, pod.UID)) == 0 {
			return plain, with, &Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be compared: the witness saw no processes of pod %s: %s", pod.Name, why(o))}
		}
	}
	return onNode{o, subject.UID}, onNode{o, annotated.UID}, nil
}

// processesOf are the lines of a pod's processes.
func processesOf(o evidence.Observation, pod string) []map[string]string {
	lines, _ := o.Values.List("processes")
	var found []map[string]string
	for _, line := range lines {
		if fields := keyValues(line); fields["pod_uid"] == pod {
			found = append(found, fields)
		}
	}
	return found
}

// Spoken is the effect that the mark came to the guest's agent, which says so when
// it fails for it.
func Spoken() Effect {
	return Effect{onNode: true, sees: func(_ *Case, a annotated) Sight {
		if a.marked && a.result != refused {
			return Sight{Outcome: Detected, Reason: "the guest's agent acted on it: " + a.said,
				Readings: []Reading{{Name: "event", Truth: "without " + a.mark, Seen: a.said, Match: true}}}
		}
		return Sight{Outcome: Undetected, Reason: "made the guest's agent load nothing"}
	}}
}
