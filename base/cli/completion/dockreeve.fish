# Completion of dockreeve for fish. What fits is asked of the program itself.
function __dockreeve_words
    set -l typed (commandline -opc)
    set -l program (string replace -r '^~(?=/)' "$HOME" -- $typed[1])
    set -l current (string replace -r '^["\']' '' -- (commandline -ct) | string replace -a '\\' '')
    for line in ($program completion words $typed[2..-1] "$current" 2>/dev/null)
        set -l word (string split -m 1 \t -- $line)
        # Files stand behind what is kept: "--config=".
        set -l path (string sub -s (math (string length -- "$word[2]") + 1) -- "$current")
        switch $word[1]
            case ':files'
                printf '%s\n' "$word[2]"(__fish_complete_path "$path")
            case ':folders'
                printf '%s\n' "$word[2]"(__fish_complete_directories "$path" '')
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c dockreeve -f -a '(__dockreeve_words)'
