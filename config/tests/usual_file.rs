//! `larder.toml` where the server is started is read without being named. Alone in its process: it
//! changes directory.

use larder_config::{Config, Sources};

#[test]
fn the_usual_file_is_read_if_it_exists() {
    let threads = || Config::load(&Sources::default()).map(|config| config.server.threads);
    assert_eq!(threads(), Ok(0));

    std::env::set_current_dir("testdata/usual").expect("testdata/usual exists");
    assert_eq!(threads(), Ok(7));

    std::env::set_current_dir("../usual_wrong").expect("testdata/usual_wrong exists");
    let said = threads().expect_err("the file is wrong");
    assert_eq!(
        said.to_string(),
        "larder.toml:2:1: unknown key \"server.lisen\"; did you mean \"server.listen\"?"
    );
    assert_eq!(said.faults().len(), 1);
}
