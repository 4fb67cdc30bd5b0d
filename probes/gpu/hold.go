package gpu

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// Hold fills the memory of every GPU, and its shared memory, with a tenant's
// token, shows on stdout that it lies there, and holds it until it is told to
// stop (SIGTERM, SIGINT), after which it gives the memory back as it is, or until
// it is killed. With --until-killed nothing but the kill ends it: kubelets send SIGTERM
// before SIGKILL even where a pod is given no time to end
// (killContainer in pkg/kubelet/kuberuntime). The next tenant then looks
// for what is left.
func Hold(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("gpu-probe hold", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	tokenHex := flags.String("token", "", "the token to leave, 64 hexadecimal digits")
	wanted := flags.Float64("share", defaultShare, "the share of the free memory to fill")
	deaf := flags.Bool("until-killed", false, "hold on when told to stop")
	if err := flags.Parse(args); err != nil {
		return err
	}
	raw, err := hex.DecodeString(*tokenHex)
	if err != nil || len(raw) != tokenBytes {
		return fmt.Errorf("--token is not %d hexadecimal digits", 2*tokenBytes)
	}
	if !(*wanted > 0 && *wanted <= 1) {
		return fmt.Errorf("--share %v is no share between 0 and 1", *wanted)
	}
	stop := make(chan os.Signal, 1)
	if *deaf {
		signal.Ignore(unix.SIGTERM, unix.SIGINT)
	} else {
		signal.Notify(stop, unix.SIGTERM, unix.SIGINT)
	}
	_, devices, err := open()
	if err != nil {
		return err
	}
	for _, device := range devices {
		c, m, err := load(device)
		if err != nil {
			return err
		}
		if err := plantToken(&engine{c, m}, [tokenBytes]byte(raw), *wanted, stdout); err != nil {
			return errors.Join(err, c.Close())
		}
		defer func() { _ = c.Close() }() // with it goes all that it holds
	}
	if _, err := fmt.Fprintln(stdout, HoldReady); err != nil {
		return err
	}
	<-stop
	return nil
}

// HoldReady is the line by which Hold says that everything is planted.
const HoldReady = "holding"

// plantToken leaves a token everywhere in a GPU and shows that it lies there.
func plantToken(e *engine, token [tokenBytes]byte, wanted float64, stdout io.Writer) error {
	device := e.Device()
	p, err := takeShare(e, wanted)
	if err != nil {
		return err
	}
	planted, err := plantAll(p, token)
	if err != nil {
		return err
	}
	found, err := scan(p)
	if err != nil {
		return err
	}
	if found.marks < planted || found.tokens[token] == 0 {
		return fmt.Errorf("planted %d canaries on %s and found %d", planted, device.UUID, found.marks)
	}
	if err := fillShared(e, token, device.Multiprocessors, device.SharedBytes); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "planted uuid=%s bytes=%d canaries=%d\n", device.UUID, p.bytes, planted)
	return err
}
