package session

import (
	"context"
	"errors"
	"sync/atomic"

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

// anyMaster returns nil as soon as one master of a Cluster answers.
func anyMaster(ctx context.Context, cluster *redis.ClusterClient) error {
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	var answered atomic.Bool
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		err := node.Ping(ctx).Err()
		if err == nil {
			answered.Store(true)
			enough()
		}
		return err
	})
	switch {
	case answered.Load():
		return nil
	case err == nil:
		return errors.New("the Cluster has no master")
	default:
		return err
	}
}
