package bed

// Bridge is the variant that the others are compared with.
const Bridge = "bridge"

const bridge6 = "bridge_ipv6"

// Variants are all ways that there are. The first of each base is the base.
func Variants() []Variant {
	list := []Variant{
		{Name: Bridge, Base: Bridge, Open: true, build: buildBridge},
		{Name: "veth", Base: Bridge, Open: true, build: buildVeth},
		{Name: "routed", Base: Bridge, Open: true, build: buildRouted},
	}
	for _, rules := range []int{10, 1000, 10_000} {
		list = append(list,
			Variant{Name: "ringfence", Rules: rules, Base: Bridge, build: through(shape{}, false)},
			Variant{Name: "nft_set", Rules: rules, Base: Bridge, tools: []string{"nft"}, build: buildNFT},
			Variant{Name: "iptables", Rules: rules, Base: Bridge, tools: []string{"iptables-restore", "ipset"}, build: buildIPTables},
		)
	}
	return append(list,
		Variant{Name: "ringfence_events", Rules: 1000, Base: Bridge, build: through(shape{}, true)},
		Variant{Name: "ringfence_vpc", Rules: 1000, Base: Bridge, build: through(shape{vpc: true}, false)},
		Variant{Name: "ringfence_heavy", Rules: 1000, Base: Bridge, build: through(shape{vpc: true, apart: true, heavy: true}, false)},
		Variant{Name: bridge6, Base: bridge6, Open: true, ipv6: true, build: buildBridge6},
		Variant{Name: "ringfence_ipv6", Rules: 1000, Base: bridge6, ipv6: true, build: through(shape{vpc: true, ipv6: true}, false)},
	)
}
