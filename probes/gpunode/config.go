package gpunode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Places and bits of PCI configuration space (linux/pci_regs.h).
const (
	configBytes     = 4096
	firstCapability = 0x34
	firstExtended   = 0x100

	capabilityExpress = 0x10
	extendedACS       = 0x0d
)

// portTypes are the PCI Express device and port types that have a name here.
var portTypes = map[uint16]string{0: "endpoint", 4: "root", 5: "upstream", 6: "downstream", 7: "bridge"}

// port is what the configuration space of a function says of how traffic passes it.
type port struct {
	// kind is the PCI Express type, "other" for one without a name here, or "pci" where
	// the function has no PCI Express capability.
	kind string
	// acs says whether there is an Access Control Services capability, with what it can
	// do and what is switched on (PCI Express Base Specification, 7.7.8).
	acs            bool
	able, switched uint16
}

// errShort means that the kernel shows no more of configuration space than everybody
// may read: the reader lacks CAP_SYS_ADMIN.
var errShort = errors.New("configuration space is cut off")

// readPort reads the configuration space of a PCI function.
func readPort(path string) (port, error) {
	file, err := os.Open(path)
	if err != nil {
		return port{}, err
	}
	defer func() { _ = file.Close() }()
	config, err := io.ReadAll(io.LimitReader(file, configBytes))
	if err != nil {
		return port{}, fmt.Errorf("read %s: %w", path, err)
	}
	return parsePort(config)
}

// parsePort walks the two lists of capabilities. Their links are the device's own
// words, so each list is followed at most as far as it could be long.
func parsePort(config []byte) (port, error) {
	p := port{kind: "pci"}
	if len(config) < 256 {
		return p, errShort
	}
	at := int(config[firstCapability]) &^ 3
	for range 48 { // 192 bytes in steps of 4
		if at < 0x40 {
			break
		}
		if config[at] == capabilityExpress {
			kind := binary.LittleEndian.Uint16(config[at+2:]) >> 4 & 0xf
			if p.kind = portTypes[kind]; p.kind == "" {
				p.kind = "other"
			}
		}
		at = int(config[at+1]) &^ 3
	}
	if p.kind == "pci" {
		return p, nil // extended capabilities are PCI Express'
	}
	if len(config) < configBytes {
		return p, errShort
	}
	at = firstExtended
	for range (configBytes - firstExtended) / 4 {
		if at < firstExtended || at > configBytes-8 {
			break
		}
		header := binary.LittleEndian.Uint32(config[at:])
		if header&0xffff == extendedACS {
			p.acs = true
			p.able, p.switched = binary.LittleEndian.Uint16(config[at+4:]), binary.LittleEndian.Uint16(config[at+6:])
		}
		at = int(header>>20) &^ 3
	}
	return p, nil
}

// String is the port in evidence: "type=downstream acs_able=005f acs_on=001d".
func (p port) String() string {
	if !p.acs {
		return "type=" + p.kind + " acs_able=none acs_on=none"
	}
	return fmt.Sprintf("type=%s acs_able=%04x acs_on=%04x", p.kind, p.able, p.switched)
}
