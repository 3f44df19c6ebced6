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
fn every_command_has_a_page_of_the_manual() {
    let home = Home::new();
    let ran = home.run("man share/man1").ends(0);
    assert!(
        ran.out.is_empty() && ran.err.contains("share/man1"),
        "{ran:?}"
    );
    let pages = std::fs::read_dir(home.path("share/man1")).expect("folder");
    let pages = pages.map(|page| {
        page.expect("page")
            .file_name()
            .into_string()
            .expect("UTF-8")
    });
    let pages: Vec<String> = pages.collect();
    for name in [
        "larder.1",
        "larder-serve.1",
        "larder-repo-list.1",
        "larder-key-new.1",
    ] {
        assert!(pages.iter().any(|page| page == name), "{name}: {pages:?}");
    }
    assert!(!pages.iter().any(|page| page.contains("__")), "{pages:?}");
    let page = std::fs::read_to_string(home.path("share/man1/larder-connect.1")).expect("page");
    for text in [".TH", "larder\\-connect", "\\-\\-with\\-token"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    // A folder that cannot be made is named.
    std::fs::write(home.path("file"), "").expect("file");
    let ran = home.run("man file/man1").ends(1);
    assert!(ran.err.contains("file/man1"), "{ran:?}");
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
