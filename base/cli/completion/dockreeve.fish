# Completion of dockreeve for fish. What fits is asked of the program itself.
function __dockreeve_words
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    for line in ($typed[1] completion words $typed[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files*'
                __fish_complete_path "$current"
            case ':folders*'
                __fish_complete_directories "$current" ''
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c dockreeve -f -a '(__dockreeve_words)'
