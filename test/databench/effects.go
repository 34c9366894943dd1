package main
import "context"
func effects(context.Context, *bench) error { return nil }
func proxyCost(context.Context, *bench) error { return nil }
