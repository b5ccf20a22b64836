# fish completion for monitorctl(1); the daemon says which names there are
function __monitorctl_names
	monitorctl names $argv 2>/dev/null
end
function __monitorctl_bare
	not __fish_seen_subcommand_from (__monitorctl_names commands)
end
complete -c monitorctl -f
complete -c monitorctl -s s -l socket -r -F -d 'status socket'
complete -c monitorctl -l json -d 'print JSON'
complete -c monitorctl -l all -d 'those too that are over'
complete -c monitorctl -l watch -d 'show anew'
complete -c monitorctl -s f -l follow -d 'go on'
complete -c monitorctl -l since -x -a '10m 1h 6h 1d 7d' -d 'from when'
complete -c monitorctl -l until -x -a '10m 1h 6h 1d' -d 'to when'
complete -c monitorctl -l month -x -d 'which month'
complete -c monitorctl -l for -x -a '30m 2h 8h 1d' -d 'how long'
complete -c monitorctl -l reason -x -d why
complete -c monitorctl -l why -x -d why
complete -c monitorctl -l who -x -d who
complete -c monitorctl -l wait -d 'wait for the outcome'
complete -c monitorctl -l no-wait -d 'do not wait for the outcome'
complete -c monitorctl -n __monitorctl_bare -a '(__monitorctl_names commands)'
complete -c monitorctl -n '__fish_seen_subcommand_from start stop restart reload hold release drain undrain' -a '(__monitorctl_names services; __monitorctl_names families; __monitorctl_names groups; __monitorctl_names chains) all'
complete -c monitorctl -n '__fish_seen_subcommand_from reroute restore' -a '(__monitorctl_names routes)'
complete -c monitorctl -n '__fish_seen_subcommand_from reroute' -a '(__monitorctl_names backends)'
complete -c monitorctl -n '__fish_seen_subcommand_from status explain silence unsilence' -a '(__monitorctl_names all)'
complete -c monitorctl -n '__fish_seen_subcommand_from status explain' -a '(__monitorctl_names families)'
complete -c monitorctl -n '__fish_seen_subcommand_from status' -a '(__monitorctl_names groups)'
complete -c monitorctl -n '__fish_seen_subcommand_from test' -a '(__monitorctl_names contacts)'
complete -c monitorctl -n '__fish_seen_subcommand_from ack' -a '(__monitorctl_names incidents)'
complete -c monitorctl -n '__fish_seen_subcommand_from graph availability' -a '(__monitorctl_names services; __monitorctl_names checks; __monitorctl_names routes)'
complete -c monitorctl -n '__fish_seen_subcommand_from check import replay' -F
