//! A range of addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address, or all addresses that share its first bits (`10.0.0.0/8`, `fd00::/8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether the address lies in the range. An IPv4 address that arrived over an IPv6 socket
    /// counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }
}

/// The address with all bits after the prefix cleared.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    // A shift by the whole width is no shift to the processor: it is the empty mask here.
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

/// Why a text is not a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotANetwork {
    /// Neither an address nor an address and a prefix length.
    Malformed,
    /// The address says more than the prefix; this is the range that it lies in.
    Beyond(Network),
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork::Malformed)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u8 = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| NotANetwork::Malformed)?
            }
            Some(_) => return Err(NotANetwork::Malformed),
            None => width,
        };
        if prefix > width {
            return Err(NotANetwork::Malformed);
        }
        let network = Self {
            address: masked(address, prefix),
            prefix,
        };
        if network.address != address {
            return Err(NotANetwork::Beyond(network));
        }
        Ok(match address.to_canonical() {
            v4 @ IpAddr::V4(_) if width == 128 && prefix >= 96 => Self {
                address: v4,
                prefix: prefix - 96,
            },
            _ => network,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let single = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix == single {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        let network: Network = network.parse().expect("a network");
        network.contains(address.parse().expect("an address"))
    }

    #[test]
    fn ranges_hold_their_addresses_only() {
        assert!(holds("10.0.0.0/8", "10.255.255.255"));
        assert!(!holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("192.168.4.0/22", "192.168.7.255"));
        assert!(!holds("192.168.4.0/22", "192.168.8.0"));
        assert!(holds("127.0.0.1", "127.0.0.1"));
        assert!(!holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(holds("fd00::/8", "fdff::1"));
        assert!(!holds("fd00::/8", "fe00::1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("::1", "::1"));
    }

    #[test]
    fn ipv4_over_ipv6_is_ipv4() {
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(!holds("::/0", "10.1.2.3"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn a_range_is_written_as_it_was_read() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1", "fd00::/8", "::1"] {
            assert_eq!(
                text.parse::<Network>().expect("a network").to_string(),
                text
            );
        }
    }

    #[test]
    fn other_texts_are_no_range() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "/8",
            "host",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(
                text.parse::<Network>(),
                Err(NotANetwork::Malformed),
                "{text}"
            );
        }
        let meant: Network = "10.0.0.0/8".parse().expect("a network");
        assert_eq!(
            "10.1.2.3/8".parse::<Network>(),
            Err(NotANetwork::Beyond(meant))
        );
    }
}
