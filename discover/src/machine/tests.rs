use super::*;
use std::os::unix::fs::PermissionsExt;

/// A folder with these files, and programs that are shell scripts below `/bin`.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for (path, text) in files {
        let path = folder.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(&path, text).expect("file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    }
    folder
}

/// What is found on a machine with these files and variables, by someone who stands in the
/// folder `at`.
pub(crate) fn found<T>(
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
    at: &str,
    look: impl Fn(&Machine) -> T,
) -> T {
    let folder = folder(files);
    let path = folder.path().join("bin").display().to_string();
    let variables = [variables, &[("HOME", "/home/me"), ("PATH", &path)]].concat();
    look(&Machine::below(folder.path(), &variables, at))
}

#[test]
fn a_program_gets_little_and_is_heard() {
    let script = "#!/bin/sh\necho \"$SECRET$KEEP:$HOME:$https_proxy\"\necho error >&2\nexit 3\n";
    let folder = folder(&[("/bin/tell", script)]);
    let program = folder.path().join("bin/tell");
    let machine = Machine::below(folder.path(), &[("SECRET", "x"), ("HOME", "/home/me")], "/");
    let said = machine
        .run(program.to_str().expect("path"), &[])
        .expect("said");
    assert_eq!(
        (&*said.out, &*said.err),
        (":/home/me:http://127.0.0.1:1\n", "error\n")
    );
    assert!(machine.run("/nowhere/program", &[]).is_none());
    assert!(!format!("{machine:?}").contains("SECRET"));
}

#[test]
fn only_files_are_read() {
    let folder = folder(&[("/etc/a.conf", "a"), ("/etc/b.conf", "b")]);
    let machine = Machine::below(folder.path(), &[], "/");
    assert_eq!(machine.read(Path::new("/etc/a.conf")).as_deref(), Some("a"));
    assert_eq!(machine.read(Path::new("/etc")), None);
    assert_eq!(machine.names(Path::new("/etc")), ["a.conf", "b.conf"]);
    assert_eq!(machine.names(Path::new("/none")), Vec::<String>::new());
}
