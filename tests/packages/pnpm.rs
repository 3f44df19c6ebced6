//! pnpm.

use crate::house::House;
use crate::node::Node;
use larder_tests::tool;

const PNPM: Node = Node {
    install: "pnpm install",
    frozen: "pnpm install --frozen-lockfile",
    publish: "pnpm publish --no-git-checks",
    lock: "pnpm-lock.yaml",
    integrity: true,
    whys: &[
        "ERR_PNPM",
        "npm error code",
        "npm error 4",
        "npm error 5",
        "npm error U",
        "npm error Y",
        "npm error need",
    ],
};

#[test]
fn pnpm() {
    let (Some(pnpm), Some(npm)) = (tool("pnpm"), tool("npm")) else {
        return;
    };
    let house = House::open("pnpm", "pnpm", "npm", &[&pnpm, &npm]);
    let maker = PNPM.publish_and_install(&house);
    let questions = [
        ("pnpm dist-tag ls @acme/probe", "next: 1.1.0"),
        ("pnpm dist-tag add @acme/probe@1.1.0 beta", ""),
        ("pnpm dist-tag rm @acme/probe next", ""),
        ("pnpm deprecate @acme/probe@1.0.0 'too old'", ""),
        ("pnpm view @acme/probe dist-tags", "beta"),
        ("pnpm view @acme/probe@1.0.0 deprecated", "too old"),
    ];
    Node::asks(&maker, &questions);
    PNPM.is_served_and_refused(&house);
}
