//! npm.

use crate::house::House;
use crate::node::Node;
use larder_tests::tool;

const NPM: Node = Node {
    install: "npm install",
    frozen: "npm ci",
    publish: "npm publish",
    lock: "package-lock.json",
    integrity: true,
    whys: &[
        "npm error code",
        "npm error 4",
        "npm error 5",
        "npm error U",
        "npm error Y",
        "npm error need",
    ],
};

#[test]
fn npm() {
    let Some(npm) = tool("npm") else { return };
    let house = House::open("npm", "npm", "npm", &[&npm]);
    let maker = NPM.publish_and_install(&house);
    let ask = |line: &str| maker.run(maker.folder(), line);
    let told = ask("npm dist-tag ls @acme/probe");
    assert!(
        told.contains("latest: 1.0.0") && told.contains("next: 1.1.0"),
        "{told}"
    );
    ask("npm dist-tag add @acme/probe@1.1.0 beta");
    ask("npm dist-tag rm @acme/probe next");
    ask("npm deprecate @acme/probe@1.0.0 'too old'");
    let told = ask("npm view @acme/probe dist-tags versions deprecated --json");
    assert!(
        told.contains("beta") && !told.contains("next") && told.contains("too old"),
        "{told}"
    );
    let told = ask("npm view demo dist --json");
    assert!(
        told.contains(house.larder.host()) && !told.contains(&house.upstream.url()),
        "{told}"
    );
    ask("npm unpublish @acme/probe@1.1.0 --force");
    let told = ask("npm view @acme/probe versions --json");
    assert!(told.contains("1.0.0") && !told.contains("1.1.0"), "{told}");
    let told = maker.fails(&Node::package(&maker, "1.1.0", "again"), NPM.publish);
    assert!(told.contains("1.1.0"), "a version stays reserved: {told}");
    NPM.is_served_and_refused(&house);
}
