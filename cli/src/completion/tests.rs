use super::*;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "larder")]
struct Line {
    #[command(subcommand)]
    command: Sub,
    /// How.
    #[arg(long, short, global = true, value_enum)]
    shell: Option<Shell>,
}

#[derive(Subcommand)]
enum Sub {
    /// Repositories.
    Repo {
        #[arg(long, action = ArgAction::SetTrue)]
        force: bool,
        name: String,
        #[arg(value_enum)]
        kind: Shell,
    },
    /// Reports.
    Report,
    #[command(hide = true)]
    Remain,
}

#[test]
fn what_fits_depends_on_what_came_before() {
    for (line, expected) in [
        ("", &["repo", "report", "help"][..]),
        ("re", &["repo", "report"]),
        ("repo --f", &["--force"]),
        ("repo --s", &["--shell"]),
        ("--shell ", &["bash", "zsh", "fish"]),
        ("repo -s z", &["zsh"]),
        ("repo --force x ", &["bash", "zsh", "fish"]),
        ("repo --shell bash x f", &["fish"]),
        ("repo x", &[]),
        ("report ", &[]),
        ("nothing ", &["repo", "report", "help"]),
    ] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let found = complete(&Line::command(), &words);
        let found: Vec<&str> = found.iter().map(|(word, _)| &**word).collect();
        assert_eq!(found, expected, "{line:?}");
    }
    let found = complete(&Line::command(), &["repor".to_owned()]);
    assert_eq!(found, [("report".to_owned(), "Reports".to_owned())]);
}
