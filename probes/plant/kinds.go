package plant

import "fmt"

// kind is one way of planting something on the node.
type kind struct {
	// name begins every line about it: "file /run/...", "loop: EPERM ...".
	name string
	// optIn is the probe without which nobody looks for it: it is planted only
	// where that one was asked for. Empty where it always is.
	optIn string
	// put plants it and tells the report about it. Nil where another kind's does.
	put func(*site, *report)
	// find lists what of it is on the node. It searches anew, without leaning on
	// the memory of the holder. Nil for processes, which members finds, and for
	// lines of the kernel log, which cannot be taken back.
	find func(*site) []string
	// remove takes away what find finds. Nil for what ends with the holder, in
	// whatever way that ends.
	remove func(*site) error
	// touched lists who touched it since it was planted, each line "<plant>
	// <nonce>". Nil where the plant keeps no record of that.
	touched func(*site) ([]string, error)
}

// kinds lists every kind in the order of planting. What is left for the kernel
// to revert comes with preference: only files and message queues outlive the
// holder if it is killed.
func kinds() []kind {
	return []kind{
		{name: "file", put: putFiles, find: findFiles, remove: removeFiles},
		{name: "process", put: putProcess},
		{name: "kmsg", put: putKmsg},
		{name: "shm", put: putSegment, find: findSegment},
		{name: "mqueue", put: putQueue, find: findQueues, remove: removeQueues},
		{name: "socket", put: putSocket, find: findSocket},
		{name: "loop", put: putLoop, find: findLoops, remove: removeLoops},
		{name: plantLoopback, put: putLoopback, find: findLoopback, touched: touchedLoopback},
		{name: plantLoopbackPackets, find: findLoopbackPackets, touched: touchedLoopbackPackets},
		{name: "key", put: putKey, find: findKeys, remove: removeKeys},
		{name: plantRawFrame, put: putRawFrame, find: findRawFrame, touched: touchedRawFrame},
		{name: plantKubelet, put: putKubelet, find: findKubelet},
		{name: plantVsock, optIn: "vsock-ports", put: putVsock, find: findVsock, touched: touchedVsock},
		{name: "handle", put: putHandle, find: findHandle, remove: removeHandle},
		{name: plantShared, optIn: "share-links", put: putShared, find: findShared, remove: removeShared, touched: touchedShared},
		{name: plantSpecial, optIn: "special-files", put: putSpecial, find: findSpecial, remove: removeSpecial, touched: touchedSpecial},
		{name: plantCalled, optIn: "called-files", put: putCalled, find: findCalled, remove: removeCalled, touched: touchedCalled},
		{name: plantSealed, optIn: "sealed-volume", put: putSealed, find: findSealed, remove: removeSealed, touched: touchedSealed},
	}
}

// find lists all that is there, each line beginning with the name of its kind.
func find(s *site, all []kind) []string {
	found := []string{}
	for _, k := range all {
		if k.find == nil || !s.wants(k) {
			continue
		}
		for _, what := range k.find(s) {
			found = append(found, k.name+" "+what)
		}
	}
	return found
}

// report is what the holder tells the act round.
type report struct {
	Planted     []string `json:"planted"`
	Failed      []string `json:"failed"`
	LoopDevice  string   `json:"loop_device,omitempty"`
	LoopSectors int64    `json:"loop_sectors,omitempty"`
	// Give are parameters for later rounds: where something is planted.
	Give map[string]string `json:"give,omitempty"`
}

func (r *report) planted(kind, format string, args ...any) {
	r.Planted = append(r.Planted, kind+" "+fmt.Sprintf(format, args...))
}

func (r *report) failed(kind string, err error) {
	r.Failed = append(r.Failed, kind+": "+err.Error())
}

func (r *report) give(param, value string) {
	if r.Give == nil {
		r.Give = map[string]string{}
	}
	r.Give[param] = value
}
