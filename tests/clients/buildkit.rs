//! `BuildKit`, which takes the base of what it builds through a mirror.

use crate::mirror::Mirrored;
use larder_tests::engine::Buildkit;
use larder_tests::home::{Home, Who};
use larder_tests::tools::{docker_login, run};

#[test]
fn buildkit_takes_its_base_through_a_mirror() {
    let Some(bed) = Mirrored::open("buildkit", "buildkit", "registry.example", &[]) else {
        return;
    };
    let settings = bed
        .home(Who::Nobody)
        .folder()
        .join("etc/buildkit/buildkitd.toml");
    let Some(engine) = Buildkit::start(&settings) else {
        return;
    };
    let pull = |bed: &Mirrored, home: &Home, image: &str| {
        let (folder, docker) = (home.folder().join("context"), home.folder().join("docker"));
        std::fs::create_dir_all(&folder).expect("context");
        std::fs::write(
            folder.join("Dockerfile"),
            format!("FROM registry.example/{image}\nLABEL above=base\n"),
        )
        .expect("Dockerfile");
        if !home.token().is_empty() {
            docker_login(&docker, bed.larder.host(), "token", home.token());
        }
        let mut build = engine.command(home.folder());
        build.args([
            "build",
            "--progress=plain",
            "--no-cache",
            "--frontend=dockerfile.v0",
        ]);
        build.args([
            "--local=context=context",
            "--local=dockerfile=context",
            "--output=type=oci,dest=image.tar",
        ]);
        build
    };
    let forget = |_: &Mirrored, home: &Home, _: &str| {
        run(engine.command(home.folder()).args(["prune", "--all"]));
    };
    bed.walk(true, pull, forget);
}
