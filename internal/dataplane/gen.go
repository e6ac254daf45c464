package dataplane

//go:generate go tool bpf2go -tags linux -target bpfel -cc clang-14 -strip llvm-strip-14 -type reason -type flow_flags -type slot_flags -type port_flags -type event -type addr -type mac -type flow_end -type route_kind -type stretch -type rewriter -type strictness -output-stem ringfence kernel bpf/ringfence.bpf.c -- -O2 -mcpu=v3 -fno-strict-aliasing -Wall -Werror -I/usr/include/x86_64-linux-gnu
