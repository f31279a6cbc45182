package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
)

// gateways compares the gateways that have left their mark in Redis.
func (v *visit) gateways(ctx context.Context, list fleetredis.Gateways) {
	ctx, cancel := context.WithTimeout(ctx, onePatience)
	defer cancel()
	all, err := list.List(ctx)
	switch {
	case err != nil:
		v.redisError("gateways", err)
		return
	case len(all) == 0:
		v.find("gateways", "", Unknown, "no-gateway", text("没有网关最近三分钟留下的记录", "no gateway has left its mark in the last three minutes"))
		return
	}
	v.sameKeys(all)
	v.fleetVersions(all)
}

// sameKeys says whether every gateway knows the key with which each other one
// signs.
func (v *visit) sameKeys(all []fleetredis.Gateway) {
	signers := make(map[string]bool)
	for _, g := range all {
		if len(g.Keys) > 0 {
			signers[g.Keys[0]] = true
		}
	}
	if len(v.Keys) > 0 {
		signers[v.Keys[0]] = true
	}
	var without []string
	for _, g := range all {
		for signer := range signers {
			if !slices.Contains(g.Keys, signer) {
				without = append(without, g.ID)
				break
			}
		}
	}
	if len(without) > 0 {
		v.find("keys", "", Failure, "keys-differ", text("%s 不知道另一台网关或这份配置的密钥", "%s does not know a key of another gateway, or of this configuration", strings.Join(without[:min(len(without), 4)], " ")))
		return
	}
	v.pass("keys", "", text("%d 台网关的会话密钥一致", "gateways: %d, with the same session keys", len(all)))
}

// fleetVersions says whether all gateways run one version.
func (v *visit) fleetVersions(all []fleetredis.Gateway) {
	var different []string
	for _, g := range all {
		if version := named(g.Version) + "/" + named(g.Caddy); !slices.Contains(different, version) {
			different = append(different, version)
		}
	}
	if len(different) > 1 {
		v.find("fleet versions", "", Warning, "version", text("网关的版本不一样：%s", "the gateways run different versions: %s", strings.Join(different[:min(len(different), 4)], ", ")))
		return
	}
	v.pass("fleet versions", "", text("所有网关的版本一样", "all gateways run the same version"))
}
