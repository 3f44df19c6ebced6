use super::*;

#[test]
fn variables_move_files() {
    let machine = |variables: &[(&str, &str)]| {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Machine::new(variables, PathBuf::from("/work"))
    };
    let home = machine(&[("HOME", "/home/a")]);
    let moved = machine(&[
        ("HOME", "/home/a"),
        ("npm_config_userconfig", "/x/npmrc"),
        ("XDG_CONFIG_HOME", "/x/config"),
        ("CARGO_HOME", "/x/cargo"),
        ("PIP_CONFIG_FILE", ""),
    ]);
    for (file, at_home, elsewhere) in [
        ("~/.npmrc", "/home/a/.npmrc", "/x/npmrc"),
        (
            "~/.bunfig.toml",
            "/home/a/.bunfig.toml",
            "/x/config/.bunfig.toml",
        ),
        ("~/.yarnrc", "/home/a/.yarnrc", "/home/a/.yarnrc"),
        (
            "~/.cargo/config.toml",
            "/home/a/.cargo/config.toml",
            "/x/cargo/config.toml",
        ),
        (
            "~/.config/pip/pip.conf",
            "/home/a/.config/pip/pip.conf",
            "/x/config/pip/pip.conf",
        ),
        (
            "/etc/docker/daemon.json",
            "/etc/docker/daemon.json",
            "/etc/docker/daemon.json",
        ),
        (
            "pyproject.toml",
            "/work/pyproject.toml",
            "/work/pyproject.toml",
        ),
    ] {
        assert_eq!(path(file, &home, None).expect(file), Path::new(at_home));
        assert_eq!(path(file, &moved, None).expect(file), Path::new(elsewhere));
    }
    let below = path("/etc/docker/daemon.json", &home, Some(Path::new("/mnt")));
    assert_eq!(
        below.expect("below"),
        Path::new("/mnt/etc/docker/daemon.json")
    );
    assert!(path("~/.npmrc", &machine(&[]), None).is_err());
    assert!(path("~/../../etc/passwd", &home, None).is_err());
}
