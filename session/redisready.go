package session

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Ready returns ErrUnavailable if no session can be looked up now. A Cluster is
// ready if any of its masters answers: the sessions of the others come back
// with their replicas, and a gateway that serves some visitors should not be
// taken out of service.
func (r *Redis) Ready(ctx context.Context) error {
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	var err error
	if cluster, ok := r.Client.(*redis.ClusterClient); ok {
		err = anyMaster(ctx, cluster)
	} else {
		err = r.Client.Exists(ctx, r.key("ready", tag{}, "")).Err()
	}
	if err != nil {
		return unavailable("asking whether it answers", err)
	}
	return nil
}

// askedKeys are looked up to find masters: their slots are spread over all of
// them.
var askedKeys = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"}

// anyMaster returns nil as soon as one master of a Cluster answers. It waits
// for no other: go-redis' own ForEachMaster waits for all, and asks a server
// for the list of masters first, perhaps the one that hangs. The questions that
// are left end with the deadline of ctx.
func anyMaster(ctx context.Context, cluster *redis.ClusterClient) error {
	answers := make(chan error, len(askedKeys))
	asked := map[*redis.Client]bool{}
	for _, key := range askedKeys {
		node, err := cluster.MasterForKey(ctx, key)
		if err != nil {
			return err
		}
		if !asked[node] {
			asked[node] = true
			go func() { answers <- node.Ping(ctx).Err() }()
		}
	}
	var err error
	for range asked {
		if err = <-answers; err == nil {
			return nil
		}
	}
	return err
}
