//! Every wrong file in `testdata` is refused with exactly the words beside it.

use std::path::Path;

use larder_config::{Config, Sources};

/// With `LARDER_TEST_WRITE=1`, writes the words, to be read before they are kept.
#[test]
fn wrong_files_are_refused_in_so_many_words() {
    let mut n_files = 0;
    for entry in Path::new("testdata")
        .read_dir()
        .expect("testdata can be read")
    {
        let file = entry.expect("testdata can be read").path();
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        n_files += 1;
        let words = file.with_extension("txt");
        let sources = Sources {
            file: Some(file.clone()),
            ..Sources::default()
        };
        let said = match Config::load(&sources) {
            Ok(_) => panic!("{} is right", file.display()),
            Err(error) => format!("{error}\n"),
        };
        assert!(!said.contains("hunter2"), "a secret is shown: {said}");
        if std::env::var_os("LARDER_TEST_WRITE").is_some() {
            std::fs::write(&words, &said).expect("testdata can be written");
        }
        let expected = std::fs::read_to_string(&words).unwrap_or_default();
        assert_eq!(said, expected, "{}", words.display());
    }
    assert!(n_files >= 50, "{n_files} files");
}
