use super::*;
use crate::machine::tests::found;

fn shown(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
    let line = |found: &DiscoveredUpstream| {
        let secret = if found.password.is_some() { " ***" } else { "" };
        let name = found
            .username
            .as_deref()
            .map(|name| format!(" {name}"))
            .unwrap_or_default();
        format!(
            "{} {} {}{name}{secret}",
            found.only.as_deref().unwrap_or("*"),
            found.url,
            found.place
        )
    };
    found(files, variables, "/code/project", look)
        .iter()
        .map(line)
        .collect()
}

#[test]
fn variables_count_most() {
    let variables = [
        ("UV_DEFAULT_INDEX", "corp=https://uv.example/simple"),
        ("PIP_INDEX_URL", "https://me:pw@pip.example/simple/"),
        (
            "PIP_EXTRA_INDEX_URL",
            "https://a.example/ https://b.example/",
        ),
        ("UV_INDEX_URL", ""),
    ];
    let found = shown(
        &[(
            "/etc/pip.conf",
            "[global]\nindex-url=https://etc.example/\n",
        )],
        &variables,
    );
    let expected = [
        "* https://pip.example/simple/ $PIP_INDEX_URL me ***",
        "* https://uv.example/simple/ $UV_DEFAULT_INDEX",
        "* https://etc.example/ /etc/pip.conf",
        "extra https://a.example/ $PIP_EXTRA_INDEX_URL",
        "extra https://b.example/ $PIP_EXTRA_INDEX_URL",
    ];
    assert_eq!(found, expected);
}

#[test]
fn files_of_pip() {
    let user = "[global]\ntimeout = 60\nindex_url: https://user.example/simple\n\
                extra-index-url =\n    https://a.example/\n    file:///srv\n\
                [freeze]\nindex-url = https://no.example/\n";
    let files = [
        ("/home/me/.pip/pip.conf", user),
        (
            "/etc/pip.conf",
            "[install]\nindex-url=https://etc.example/\n",
        ),
    ];
    let expected = [
        "* https://user.example/simple/ /home/me/.pip/pip.conf",
        "* https://etc.example/ /etc/pip.conf",
        "extra https://a.example/ /home/me/.pip/pip.conf",
    ];
    assert_eq!(shown(&files, &[]), expected);
}

#[test]
fn files_of_uv() {
    let project = "[project]\nname = 'x'\n[[tool.uv.index]]\nname = 'main'\nurl = 'https://main.example/simple'\n\
                   default = true\n[[tool.uv.index]]\nname = 'torch'\nurl = 'https://torch.example/'\n";
    let user =
        "index-url = 'https://user.example/'\n[pip]\nextra-index-url = ['https://more.example/']\n";
    let files = [
        ("/code/pyproject.toml", project),
        ("/home/me/.config/uv/uv.toml", user),
    ];
    let expected = [
        "* https://main.example/simple/ /code/pyproject.toml",
        "* https://user.example/ /home/me/.config/uv/uv.toml",
        "torch https://torch.example/ /code/pyproject.toml",
        "extra https://more.example/ /home/me/.config/uv/uv.toml",
    ];
    assert_eq!(shown(&files, &[]), expected);
}

#[test]
fn the_library_is_asked() {
    let python =
        "#!/bin/sh\ncase \"$2\" in *simple_url*) echo https://default.example/simple;; esac\n";
    assert_eq!(
        shown(&[("/bin/python3", python)], &[]),
        ["* https://default.example/simple/ `pip of python3`"]
    );
    assert_eq!(
        shown(&[("/bin/python3", "#!/bin/sh\nexit 1\n")], &[]),
        Vec::<String>::new()
    );
    let help = "  --default-index <DEFAULT_INDEX>\n   The URL of the index \
                (by default: <https://default.example/simple>).\n";
    assert_eq!(in_help(help), Some("https://default.example/simple"));
    assert_eq!(in_help("--default-index (default: none)"), None);
}
