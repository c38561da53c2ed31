// SPDX-License-Identifier: MIT OR Apache-2.0

// A node of go-libp2p to test against; ../README.md says what it understands.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
)

const (
	echoProtocol  = protocol.ID("/echo/1.0.0")
	perfProtocol  = protocol.ID("/perf/1.0.0")
	resetProtocol = protocol.ID("/reset/1.0.0")
	slowProtocol  = protocol.ID("/slow/1.0.0")

	changeProtocol = protocol.ID("/change/1.0.0")
	pushedProtocol = protocol.ID("/pushed/1.0.0")

	patience = 60 * time.Second
)

func newKey(kind string) (crypto.PrivKey, error) {
	types := map[string]int{"ed25519": crypto.Ed25519, "secp256k1": crypto.Secp256k1,
		"ecdsa": crypto.ECDSA, "rsa": crypto.RSA}
	t, ok := types[kind]
	if !ok {
		return nil, fmt.Errorf("no kind of key: %s", kind)
	}
	key, _, err := crypto.GenerateKeyPair(t, 2048)
	return key, err
}

func newHost(kind string, listen bool) (host.Host, error) {
	key, err := newKey(kind)
	if err != nil {
		return nil, err
	}
	options := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.NoTransports,
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.UserAgent("copoll-test-go"),
		libp2p.ProtocolVersion("copoll-test/1.0.0"),
	}
	if listen {
		options = append(options, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	} else {
		options = append(options, libp2p.NoListenAddrs)
	}
	return libp2p.New(options...)
}

// Tells of each connection how its muxer was agreed on.
func tellMuxers(h host.Host) {
	h.Network().Notify(&network.NotifyBundle{
		ConnectedF: func(_ network.Network, c network.Conn) {
			how := "negotiated"
			if c.ConnState().UsedEarlyMuxerNegotiation {
				how = "early"
			}
			fmt.Println("muxer:", how)
		},
	})
}

// Tells what peers speak, each time they say so: when they are asked, and when they push it. Each
// time it has told, `told` gets what.
func tellProtocols(h host.Host, told chan<- []protocol.ID) error {
	said, err := h.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated)})
	if err != nil {
		return err
	}
	go func() {
		asked := make(map[network.Conn]bool)
		for e := range said.Out() {
			var by peer.ID
			var spoken []protocol.ID
			switch e := e.(type) {
			case event.EvtPeerIdentificationCompleted:
				if asked[e.Conn] {
					continue // behind a push
				}
				asked[e.Conn] = true
				by, spoken = e.Peer, e.Protocols
			case event.EvtPeerProtocolsUpdated:
				by = e.Peer
				spoken, _ = h.Peerstore().GetProtocols(by)
			}
			line := "peer-protocols " + by.String()
			for _, id := range spoken {
				line += " " + string(id)
			}
			fmt.Println(line)
			told <- spoken
		}
	}()
	return nil
}

func echo(s network.Stream) {
	defer s.Close()
	if _, err := io.Copy(s, s); err != nil {
		s.Reset()
	}
}

func perf(s network.Stream) {
	defer s.Close()
	var wanted [8]byte
	if _, err := io.ReadFull(s, wanted[:]); err != nil {
		s.Reset()
		return
	}
	if _, err := io.Copy(io.Discard, s); err != nil {
		s.Reset()
		return
	}
	if _, err := io.CopyN(s, zeros{}, int64(binary.BigEndian.Uint64(wanted[:]))); err != nil {
		s.Reset()
	}
}

// Aborts after the first byte.
func reset(s network.Stream) {
	var first [1]byte
	io.ReadFull(s, first[:])
	s.Reset()
}

// Reads nothing for a while, then echoes.
func slow(s network.Stream) {
	time.Sleep(3 * time.Second)
	echo(s)
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

func listen(kind string) error {
	h, err := newHost(kind, true)
	if err != nil {
		return err
	}
	defer h.Close()
	tellMuxers(h)
	told := make(chan []protocol.ID)
	if err := tellProtocols(h, told); err != nil {
		return err
	}
	go func() {
		for range told {
		}
	}()
	h.SetStreamHandler(echoProtocol, echo)
	h.SetStreamHandler(perfProtocol, perf)
	h.SetStreamHandler(resetProtocol, reset)
	h.SetStreamHandler(slowProtocol, slow)
	fmt.Printf("READY %s/p2p/%s\n", h.Addrs()[0], h.ID())
	io.Copy(io.Discard, os.Stdin)
	return nil
}

type dialed struct {
	host host.Host
	to   peer.ID
	told <-chan []protocol.ID // the protocols of the peer, each time it says them
}

func (d dialed) open(ctx context.Context, id protocol.ID) (network.Stream, error) {
	s, err := d.host.NewStream(ctx, d.to, id)
	if err == nil {
		s.SetDeadline(time.Now().Add(patience))
	}
	return s, err
}

func (d dialed) ping(ctx context.Context) error {
	results := ping.Ping(ctx, d.host, d.to)
	for range 3 {
		if r := <-results; r.Error != nil {
			return r.Error
		}
	}
	return nil
}

func (d dialed) identify(ctx context.Context) error {
	protocols, err := d.host.Peerstore().GetProtocols(d.to)
	if err != nil {
		return err
	}
	agent, _ := d.host.Peerstore().Get(d.to, "AgentVersion")
	fmt.Printf("agent: %v\nprotocols: %v\naddresses: %v\n", agent, protocols,
		d.host.Peerstore().Addrs(d.to))
	if len(protocols) == 0 || agent == nil {
		return errors.New("the peer told nothing about itself")
	}
	return nil
}

func (d dialed) echo(ctx context.Context, size int) error {
	s, err := d.open(ctx, echoProtocol)
	if err != nil {
		return err
	}
	defer s.Close()
	sent := make([]byte, size)
	rand.Read(sent)
	written := make(chan error, 1)
	go func() {
		_, err := s.Write(sent)
		if err == nil {
			err = s.CloseWrite()
		}
		written <- err
	}()
	got, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	if err := <-written; err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d bytes came back changed, of %d", len(got), size)
	}
	return nil
}

// The peer's half stays open while ours is closed: its answer comes after the end of the request.
func (d dialed) halfClose(ctx context.Context) error {
	const size = 100_000
	s, err := d.open(ctx, perfProtocol)
	if err != nil {
		return err
	}
	defer s.Close()
	var wanted [8]byte
	binary.BigEndian.PutUint64(wanted[:], size)
	if _, err := s.Write(wanted[:]); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(s)
	if err == nil && len(got) != size {
		err = fmt.Errorf("%d bytes came after the end of the request", len(got))
	}
	return err
}

func (d dialed) reset(ctx context.Context) error {
	s, err := d.open(ctx, resetProtocol)
	if err != nil {
		return err
	}
	if _, err := s.Write([]byte{1}); err != nil {
		return err
	}
	_, err = io.ReadAll(s)
	if !errors.Is(err, network.ErrReset) {
		return fmt.Errorf("not a reset: %v", err)
	}
	return nil
}

func (d dialed) streams(ctx context.Context, count int) error {
	var all sync.WaitGroup
	failures := make(chan error, count)
	for range count {
		all.Add(1)
		go func() {
			defer all.Done()
			failures <- d.echo(ctx, 1000)
		}()
	}
	all.Wait()
	for range count {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}

// What is sent before the peer begins to read has to wait, and then to arrive.
func (d dialed) slow(ctx context.Context) error {
	s, err := d.open(ctx, slowProtocol)
	if err != nil {
		return err
	}
	const size = 4 << 20
	go func() {
		s.Write(make([]byte, size))
		s.CloseWrite()
	}()
	got, err := io.ReadAll(s)
	if err == nil && len(got) != size {
		err = fmt.Errorf("%d bytes came back", len(got))
	}
	return err
}

// Our own protocols change while the connection stands: the peer is told by identify push.
func (d dialed) push(ctx context.Context) error {
	d.host.SetStreamHandler(pushedProtocol, func(s network.Stream) { s.Close() })
	time.Sleep(time.Second)
	return nil
}

// Has the peer change its protocols: it tells so by identify push.
func (d dialed) pushed(ctx context.Context) error {
	if spoken, _ := d.host.Peerstore().GetProtocols(d.to); slices.Contains(spoken, pushedProtocol) {
		return errors.New("the peer has changed before it was asked to")
	}
	s, err := d.open(ctx, changeProtocol)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.CloseWrite(); err != nil {
		return err
	}
	if _, err := io.ReadAll(s); err != nil {
		return err
	}
	for {
		select {
		case spoken := <-d.told:
			if slices.Contains(spoken, pushedProtocol) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d dialed) run(ctx context.Context, test string) error {
	name, value, _ := strings.Cut(test, ":")
	n, _ := strconv.Atoi(value)
	switch name {
	case "ping":
		return d.ping(ctx)
	case "identify":
		return d.identify(ctx)
	case "echo":
		return d.echo(ctx, n)
	case "half-close":
		return d.halfClose(ctx)
	case "reset":
		return d.reset(ctx)
	case "streams":
		return d.streams(ctx, n)
	case "slow":
		return d.slow(ctx)
	case "push":
		return d.push(ctx)
	case "pushed":
		return d.pushed(ctx)
	}
	return fmt.Errorf("no such test: %s", name)
}

func dial(kind, address string, tests []string) error {
	to, err := multiaddr.NewMultiaddr(address)
	if err != nil {
		return err
	}
	info, err := peer.AddrInfoFromP2pAddr(to)
	if err != nil {
		return err
	}
	h, err := newHost(kind, false)
	if err != nil {
		return err
	}
	defer h.Close()
	tellMuxers(h)
	told := make(chan []protocol.ID, 16)
	if err := tellProtocols(h, told); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Connect(ctx, *info); err != nil {
		return err
	}
	if len(tests) > 0 && strings.HasPrefix(tests[0], "identify") {
		<-told
	}
	for _, test := range tests {
		if err := (dialed{h, info.ID, told}).run(ctx, test); err != nil {
			return fmt.Errorf("%s: %w", test, err)
		}
		fmt.Printf("OK %s\n", test)
	}
	return nil
}

func main() {
	kind := flag.String("key", "ed25519", "kind of key")
	flag.Parse()
	var err error
	switch args := flag.Args(); {
	case len(args) == 1 && args[0] == "listen":
		err = listen(*kind)
	case len(args) >= 2 && args[0] == "dial":
		err = dial(*kind, args[1], args[2:])
	default:
		err = errors.New("usage: peer [-key KIND] listen | dial ADDR TEST...")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
