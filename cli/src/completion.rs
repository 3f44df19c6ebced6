//! Completion of the command line: scripts for shells, which ask the program itself what fits.

use clap::{Arg, Command, ValueEnum};

/// A shell that can complete.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// bash: `source <(larder completion bash)`.
    Bash,
    /// zsh: put it into a file `_larder` in a folder of $fpath.
    Zsh,
    /// fish: `larder completion fish | source`.
    Fish,
}

const BASH: &str = r#"_larder() {
    local IFS=$'\n'
    COMPREPLY=($("${COMP_WORDS[0]}" __complete -- \
        "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _larder larder"#;
const ZSH: &str = r#"#compdef larder
_larder() {
    local -a found
    found=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then
        found=("${(@)found/$'\t'/:}")
        _describe larder found
    else
        _files
    fi
}
if [[ "$funcstack[1]" == _larder ]]; then _larder "$@"; else compdef _larder larder; fi"#;
const FISH: &str = r"function __larder_complete
    larder __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null
end
complete -c larder -a '(__larder_complete)'";

/// What makes a shell complete.
pub(crate) const fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    }
}

/// What can stand for the last of `words`, which may have begun, each with what it means. None: the
/// command line knows nothing better than files.
pub(crate) fn complete(grammar: &Command, words: &[String]) -> Vec<(String, String)> {
    let mut grammar = grammar.clone();
    grammar.build(); // so that every command knows the flags of all
    let Some((last, before)) = words.split_last() else {
        return Vec::new();
    };
    let place = Place::after(&grammar, before);
    let all = match place.flag {
        Some(flag) => values(flag),
        None if last.starts_with('-') => place.command.get_arguments().flat_map(flags).collect(),
        None => place.words(),
    };
    all.into_iter()
        .filter(|(word, _)| word.starts_with(last.as_str()))
        .collect()
}

/// Where on the command line one is.
struct Place<'a> {
    command: &'a Command,
    /// The flag whose value comes next.
    flag: Option<&'a Arg>,
    /// How many arguments without a flag came before.
    arguments: usize,
}

impl<'a> Place<'a> {
    fn after(grammar: &'a Command, words: &[String]) -> Self {
        let mut place = Place {
            command: grammar,
            flag: None,
            arguments: 0,
        };
        for word in words {
            if place.flag.take().is_some() {
                continue; // its value
            }
            if word.starts_with('-') {
                place.flag = place.command.get_arguments().find(|arg| {
                    arg.get_action().takes_values()
                        && flags(arg).iter().any(|(flag, _)| flag == word)
                });
            } else if let Some(command) = place.command.find_subcommand(word) {
                place.command = command;
            } else {
                place.arguments += 1;
            }
        }
        place
    }

    /// Commands, or what an argument may be.
    fn words(&self) -> Vec<(String, String)> {
        let seen = self
            .command
            .get_subcommands()
            .filter(|command| !command.is_hide_set());
        let commands = seen.map(|command| {
            let about = command.get_about().map(ToString::to_string);
            (command.get_name().to_owned(), about.unwrap_or_default())
        });
        let argument = self.command.get_positionals().nth(self.arguments);
        commands
            .chain(argument.map(values).unwrap_or_default())
            .collect()
    }
}

/// The spellings of a flag.
fn flags(arg: &Arg) -> Vec<(String, String)> {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.lines().next().unwrap_or_default();
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    let spellings = long.into_iter().chain(short);
    spellings.map(|flag| (flag, help.to_owned())).collect()
}

/// The values of an argument that takes only some.
fn values(arg: &Arg) -> Vec<(String, String)> {
    let all = arg.get_possible_values().into_iter();
    let value = |value: clap::builder::PossibleValue| {
        let help = value.get_help().map(ToString::to_string);
        (value.get_name().to_owned(), help.unwrap_or_default())
    };
    all.filter(|value| !value.is_hide_set())
        .map(value)
        .collect()
}

#[cfg(test)]
mod tests;
