//! Completion in a real shell.

use crate::bed::{BINARY, Home};
use larder_tests::tool;
use larder_tests::tools::{command, run};
use std::path::Path;

#[test]
fn bash_completes_commands_flags_and_values() {
    let Some(bash) = tool("bash") else { return };
    let home = Home::new();
    let bin = Path::new(BINARY).parent().expect("folder").display();
    for (words, expected) in [
        ("larder rep", "repo"),
        ("larder rest", "restore"),
        ("larder repo s", "show set"),
        ("larder repo list --outp", "--output"),
        ("larder repo list --output nd", "ndjson"),
        ("larder completion z", "zsh"),
        ("larder __c", ""),
    ] {
        let last = words.split(' ').count() - 1;
        let script = format!(
            "PATH={bin}:$PATH; source <(larder completion bash); COMP_WORDS=({words}); \
             COMP_CWORD={last}; _larder; echo \"${{COMPREPLY[*]}}\""
        );
        let told = run(command(&bash, home.folder()).arg("-c").arg(script));
        assert_eq!(told.trim_end(), expected, "{words}");
    }
}

#[test]
fn every_shell_has_its_script() {
    let home = Home::new();
    for (shell, part) in [
        ("bash", "complete -o default -F _larder larder"),
        ("zsh", "#compdef larder"),
        ("fish", "complete -c larder"),
    ] {
        let ran = home.run(&format!("completion {shell}")).ends(0);
        assert!(ran.out.contains(part) && ran.err.is_empty(), "{ran:?}");
    }
}
