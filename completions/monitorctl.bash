# bash completion for monitorctl(1); the daemon says which names there are
_monitorctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} socket=() word= i at=0
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket) socket=(-s "${COMP_WORDS[i + 1]}"); i=$((i + 1)) ;;
		--since | --until | --for | --month | --reason | --why | --who) i=$((i + 1)) ;;
		-*) ;;
		*) [ -n "$word" ] && at=$((at + 1)) || word=${COMP_WORDS[i]} ;;
		esac
	done
	names() { monitorctl "${socket[@]}" names "$@" 2>/dev/null; }
	case $previous in
	-s | --socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--since | --until) mapfile -t COMPREPLY < <(compgen -W "10m 1h 6h 1d 7d" -- "$cur"); return ;;
	--for) mapfile -t COMPREPLY < <(compgen -W "30m 2h 8h 1d" -- "$cur"); return ;;
	--month | --reason | --why | --who) return ;;
	esac
	local words=
	if [[ $cur == -* ]]; then
		words=$(names options)
	elif [ -z "$word" ]; then
		words=$(names commands)
	else
		case $word in
		start | stop | restart | reload | hold | release | drain | undrain) words="$(names services) $(names families) $(names groups) $(names chains) all" ;;
		reroute | restore)
			case $at in
			0) words=$(names routes) ;;
			1) words=$(names backends) ;;
			esac ;;
		status) words="$(names all) $(names families) $(names groups)" ;;
		explain) words="$(names all) $(names families)" ;;
		silence | unsilence) words=$(names all) ;;
		test) words=$(names contacts) ;;
		graph | availability) words="$(names services) $(names checks) $(names routes)" ;;
		check) [ "$at" -eq 0 ] && compopt -o filenames 2>/dev/null && mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return
			words=$(names checks) ;;
		import | replay) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
		ack) words=$(names incidents) ;;
		names) words="all services families groups checks routes rules chains backends contacts incidents commands options" ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _monitorctl monitorctl
