// A service in Go that uses franz-go and its OpenTelemetry plugin.
//
//	interop produce BROKERS TOPIC COUNT
//	interop relay BROKERS FROM GROUP TO COUNT
//
// It writes a JSON object a line: of each message that a relay gets its headers, its baggage and its body, and at the end
// every span that ended here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	spans := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))
	propagator := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	tracer := kotel.NewTracer(kotel.TracerProvider(provider), kotel.TracerPropagator(propagator))
	options := []kgo.Opt{
		kgo.SeedBrokers(arguments[1]),
		kgo.WithHooks(kotel.NewKotel(kotel.WithTracer(tracer)).Hooks()...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
	var err error
	switch arguments[0] {
	case "produce":
		err = produce(ctx, options, arguments[2], arguments[3])
	case "relay":
		err = relay(ctx, options, tracer, arguments[2], arguments[3], arguments[4], arguments[5])
	default:
		err = fmt.Errorf("no such command: %s", arguments[0])
	}
	if err != nil {
		return err
	}
	for _, span := range spans.GetSpans() {
		var links []string
		for _, link := range span.Links {
			links = append(links, link.SpanContext.SpanID().String())
		}
		report(map[string]any{
			"name":         span.Name,
			"kind":         span.SpanKind.String(),
			"traceId":      span.SpanContext.TraceID().String(),
			"spanId":       span.SpanContext.SpanID().String(),
			"traceFlags":   span.SpanContext.TraceFlags().String(),
			"parentSpanId": span.Parent.SpanID().String(),
			"links":        links,
		})
	}
	return nil
}

func produce(ctx context.Context, options []kgo.Opt, topic, count string) error {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	number, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	member, err := baggage.NewMemberRaw("tier", "gold & silver")
	if err != nil {
		return err
	}
	members, err := baggage.New(member)
	if err != nil {
		return err
	}
	ctx = baggage.ContextWithBaggage(ctx, members)
	for i := range number {
		record := &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "message-%d", i)}
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: "x-own", Value: []byte("1")})
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
		report(map[string]any{"body": string(record.Value), "headers": headers(record)})
	}
	return nil
}

func relay(ctx context.Context, options []kgo.Opt, tracer *kotel.Tracer, from, group, to, count string) error {
	options = append(options,
		kgo.ConsumeTopics(from), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	left, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("%d of %s messages did not come: %w", left, count, err)
		}
		report(map[string]any{"polled": fetches.NumRecords()})
		for _, record := range fetches.Records() {
			work, span := tracer.WithProcessSpan(record)
			members := map[string]string{}
			for _, member := range baggage.FromContext(work).Members() {
				members[member.Key()] = member.Value()
			}
			report(map[string]any{"body": string(record.Value), "headers": headers(record), "baggage": members})
			sent := client.ProduceSync(work, &kgo.Record{Topic: to, Value: record.Value}).FirstErr()
			span.End()
			if sent != nil {
				return sent
			}
			left--
		}
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
	}
	return nil
}

// The headers of a record as pairs, in their order: a name may come twice.
func headers(record *kgo.Record) [][2]string {
	pairs := [][2]string{}
	for _, header := range record.Headers {
		pairs = append(pairs, [2]string{header.Key, string(header.Value)})
	}
	return pairs
}

func report(fields map[string]any) {
	line, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
