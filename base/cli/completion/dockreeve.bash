# Completion of dockreeve for bash. What fits is asked of the program itself.
_dockreeve() {
    local program=${COMP_WORDS[0]/#\~\//$HOME/} line=${COMP_LINE:0:COMP_POINT}
    local -a typed=()
    local word text at last cur raw cut quote=
    COMPREPLY=()
    # The words typed so far, whole: the shell also cuts them at `=`, `:` and `@`.
    for ((at = 0; at <= COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if ((at > 0)) && [[ -n $word && -n $line && $line != [[:blank:]]* ]]; then
            typed[${#typed[@]} - 1]+=$word
        else
            typed+=("$word")
            line=${line#"${line%%[![:blank:]]*}"}
        fi
        [[ $line == "$word"* ]] && line=${line#"$word"} || line=
    done
    last=$((${#typed[@]} - 1)) cur=${typed[last]} raw=$2
    [[ ${COMP_WORDS[COMP_CWORD]} == [\"\']* ]] && quote=yes
    raw=${raw#[\"\']} cur=${cur#[\"\']}
    raw=${raw//\\/} cur=${cur//\\/}
    cut=${cur%"$raw"} # the shell keeps what stands before the word that it sees
    typed[last]=$cur
    while IFS=$'\t' read -r word text; do
        if [[ $word == :files || $word == :folders ]]; then
            [[ $word == :files ]] && at=-f || at=-d
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen "$at" -- "${cur#"$text"}")
            COMPREPLY=("${COMPREPLY[@]/#/"$text"}")
            COMPREPLY=("${COMPREPLY[@]#"$cut"}")
            return 0
        fi
        word=${word#"$cut"}
        [[ -z $quote && $word == *[!A-Za-z0-9@%_+=:,./-]* ]] && printf -v word %q "$word"
        # A list has what each word means beside it: nobody knows an id by heart.
        [[ -n $text && ${COMP_TYPE:-9} != 9 ]] && word+=$'\t'"($text)"
        COMPREPLY+=("$word")
    done < <("$program" completion words "${typed[@]:1}" 2>/dev/null)
    ((${#COMPREPLY[@]} == 1)) && COMPREPLY=("${COMPREPLY[0]%%$'\t'*}")
    COMPREPLY=("${COMPREPLY[@]//$'\t'/  }")
    return 0
}
complete -F _dockreeve dockreeve
