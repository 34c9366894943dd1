package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// resource is a kind of object as the command line shows it.
type resource struct {
	kind  v1.Kind
	name  string // of the command
	short string
	head  []string
	rows  func(json.RawMessage) ([][]string, error) // of one object; the first cell is its name
}

func (r resource) path(name string) string {
	if name == "" {
		return r.name + "s"
	}
	return r.name + "s/" + name
}

// resources lists the kinds in the order in which a bundle of them is applied.
func resources() []resource {
	return []resource{
		{v1.KindService, "service", "named sets of instances that answer alike", []string{"NAME", "OWNER", "INSTANCES", "USABLE", "DESCRIPTION"}, rowsOf(serviceRows)},
		{v1.KindMigration, "migration", "services on their way from old to new", []string{"NAME", "SERVICE", "FROM", "TO", "PHASE", "SHARE", "VERDICT", "BLOCKED"}, rowsOf(migrationRows)},
		{v1.KindRoute, "route", "which requests go where", []string{"NAME", "HOSTS", "RULES", "IN FORCE"}, rowsOf(routeRows)},
		{v1.KindInstance, "instance", "processes of a service", []string{"NAME", "SERVICE", "ADDRESS", "RUNTIME", "VERSION", "WEIGHT", "STATE", "HEALTH"}, rowsOf(instanceRows)},
	}
}

func resourceOf(k v1.Kind) resource {
	for _, r := range resources() {
		if r.kind == k {
			return r
		}
	}
	panic("no such kind: " + k) // every kind of v1.Kinds is listed; a test sees to it
}

func rowsOf[T any](rows func(T) [][]string) func(json.RawMessage) ([][]string, error) {
	return func(data json.RawMessage) ([][]string, error) {
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, kind.New(kind.Internal, "JD-CLI-004", "an object of the answer is not understood: %w", err)
		}
		return rows(v), nil
	}
}

func serviceRows(s v1.Service) [][]string {
	usable := strconv.Itoa(s.Status.Usable)
	if s.Status.Protected {
		usable += " (protected)"
	}
	return [][]string{{s.Metadata.Name, s.Spec.Owner, strconv.Itoa(s.Status.Instances), usable, s.Spec.Description}}
}

func instanceRows(i v1.Instance) [][]string {
	state, health, weight := string(i.Status.State), "healthy", "100"
	if state == "" && i.Spec.Draining {
		state = string(v1.StateDraining)
	}
	switch {
	case i.Status.Ejected:
		health = "ejected"
	case i.Status.State == "":
		health = ""
	case !i.Status.Healthy:
		health = "unhealthy"
	}
	if i.Status.Reason != "" {
		health += ": " + i.Status.Reason
	}
	if i.Spec.Weight != nil {
		weight = strconv.Itoa(*i.Spec.Weight)
	}
	return [][]string{{i.Metadata.Name, i.Spec.Service, hostPort(i.Spec.IP, i.Spec.Port), i.Spec.Metadata["runtime"], i.Spec.Metadata["version"], weight, state, health}}
}

func routeRows(r v1.Route) [][]string {
	force := "yes"
	if !r.Status.Accepted {
		force = "no"
	}
	hosts := "every host"
	for i, h := range r.Spec.Hostnames {
		if i == 0 {
			hosts = h
		} else {
			hosts += ", " + h
		}
	}
	rows := [][]string{}
	for i, rule := range r.Spec.Rules {
		if i == 0 {
			rows = append(rows, []string{r.Metadata.Name, hosts, ruleWords(rule), force})
		} else {
			rows = append(rows, []string{" ", " ", ruleWords(rule), " "})
		}
	}
	for _, w := range r.Status.Warnings {
		rows = append(rows, []string{" ", " ", "! " + w, " "})
	}
	return rows
}

func migrationRows(m v1.Migration) [][]string {
	return [][]string{{m.Metadata.Name, m.Spec.Service, selectorWords(m.Spec.From), selectorWords(m.Spec.To), phaseWords(m), share(m.Status.Buckets), verdictWords(m.Status.Verdict), m.Status.Blocked}}
}

func hostPort(ip string, port int) string {
	for _, c := range ip {
		if c == ':' {
			return fmt.Sprintf("[%s]:%d", ip, port)
		}
	}
	return fmt.Sprintf("%s:%d", ip, port)
}
