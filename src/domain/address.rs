//! Who may be called (`alibaba.md` §2.1, `design.md` §5): the clouds' rule (no port, no private
//! address) and the allow-list over it. Checked when a URL is configured, and again on each address
//! that its name resolves to. Must not resolve names itself.

use super::endpoint::CallbackUrl;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The addresses that are allowed although the clouds' rule forbids them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    entries: Vec<Entry>,
    /// A public host may have a port, as one of the clouds has it; the other's rule is that it may not.
    any_port: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// All but link-local and metadata addresses, any port.
    Any,
    /// A block of addresses, any port; not the link-local and metadata addresses in it.
    Block { first: IpAddr, bits: u8 },
    /// One address, named exactly; `None` is any port.
    Address { ip: IpAddr, port: Option<u16> },
    /// Whatever a name resolves to, link-local and metadata addresses excepted.
    Name { host: String, port: Option<u16> },
}

/// How an address may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Public,
    /// Private, loopback and the like: what the clouds' rule forbids.
    Private,
    /// Link-local and metadata services: whoever reaches those owns the machine's cloud account.
    Guarded,
}

const HOW: &str = "write any, a block such as 192.168.0.0/16, or HOST[:PORT] such as erp.lan:8080 or [::1]:9000";

impl AllowList {
    /// Each entry is `any`, a CIDR block, or `HOST[:PORT]`. The error names the entry and what to write instead.
    pub fn parse(entries: &[String]) -> Result<AllowList, String> {
        entries
            .iter()
            .map(|text| Entry::parse(text.trim()).map_err(|why| format!("{text:?} {why}")))
            .collect::<Result<_, _>>()
            .map(|entries| AllowList { entries, any_port: false })
    }

    /// The entries as they would be written.
    pub fn entries(&self) -> Vec<String> {
        self.entries.iter().map(Entry::to_string).collect()
    }

    /// The same, for the cloud that lets a public host have a port.
    pub fn with_any_port(&self) -> AllowList {
        AllowList { any_port: true, ..self.clone() }
    }

    /// The rule at configuration. The error says which part of the URL is not allowed.
    pub fn check_url(&self, url: &CallbackUrl) -> Result<(), String> {
        let host = plain(&url.host);
        let literal = literal(host)?;
        let class = match literal {
            Some(ip) => classify(ip),
            None if is_localhost(host) => Class::Private,
            None => Class::Public,
        };
        // The name of this machine stands for its addresses, so that allowing those is enough.
        let addresses = match literal {
            Some(ip) => vec![ip],
            None if is_localhost(host) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            None => Vec::new(),
        };
        let listed = self.entries.iter().any(|e| e.names(url) && class < Class::Guarded || addresses.iter().any(|ip| e.covers(*ip, url)));
        let shown = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
        match (listed, class, url.port) {
            (true, ..) => Ok(()),
            (false, Class::Guarded, _) => Err(format!("{shown} is a link-local or metadata address; allow {shown} itself if it is meant")),
            (false, Class::Private, _) => Err(format!("{shown} is a private address; allow it with --allow-callback {shown}")),
            (false, Class::Public, Some(port)) if !self.any_port => {
                Err(format!("port {port} is not allowed; leave it out, or allow it with --allow-callback {shown}:{port}"))
            }
            (false, Class::Public, _) => Ok(()),
        }
    }

    /// The rule at each try: may `ip`, to which the URL's host was resolved, be connected to?
    pub fn permits(&self, url: &CallbackUrl, ip: IpAddr) -> bool {
        let class = classify(ip);
        let listed = |e: &Entry| e.names(url) && class < Class::Guarded || e.covers(ip, url);
        (class == Class::Public && (self.any_port || url.port.is_none())) || self.entries.iter().any(listed)
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Entry, String> {
        if text == "any" {
            return Ok(Entry::Any);
        }
        if let Some((first, bits)) = text.split_once('/') {
            let first: IpAddr = first.parse().map_err(|_| format!("is not a block of addresses; {HOW}"))?;
            let most = if first.is_ipv4() { 32 } else { 128 };
            let bits = bits.parse().ok().filter(|b| *b <= most).ok_or(format!("has a length that is not 0 to {most}; {HOW}"))?;
            let start = mask(first, bits);
            return if start == first { Ok(Entry::Block { first, bits }) } else { Err(format!("does not begin at its block; write {start}/{bits}")) };
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Entry::Address { ip: ip.to_canonical(), port: None });
        }
        let url = CallbackUrl::parse(&format!("http://{text}")).filter(|_| !text.contains(['/', '?', '#'])).ok_or(format!("is not an address; {HOW}"))?;
        match literal(plain(&url.host))? {
            Some(ip) => Ok(Entry::Address { ip: ip.to_canonical(), port: url.port }),
            None => Ok(Entry::Name { host: plain(&url.host).into(), port: url.port }),
        }
    }

    /// Does it allow whatever the URL's host resolves to?
    fn names(&self, url: &CallbackUrl) -> bool {
        match self {
            Entry::Any => true,
            Entry::Name { host, port } => host == plain(&url.host) && right_port(*port, url),
            Entry::Block { .. } | Entry::Address { .. } => false,
        }
    }

    /// Does it allow this very address?
    fn covers(&self, ip: IpAddr, url: &CallbackUrl) -> bool {
        let ip = ip.to_canonical();
        match self {
            Entry::Address { ip: named, port } => *named == ip && right_port(*port, url),
            Entry::Block { first, bits } => classify(ip) < Class::Guarded && first.is_ipv4() == ip.is_ipv4() && mask(ip, *bits) == *first,
            Entry::Any | Entry::Name { .. } => false,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Entry::Any => write!(f, "any"),
            Entry::Block { first, bits } => write!(f, "{first}/{bits}"),
            Entry::Address { ip: IpAddr::V6(ip), port: Some(port) } => write!(f, "[{ip}]:{port}"),
            Entry::Address { ip, port: Some(port) } => write!(f, "{ip}:{port}"),
            Entry::Address { ip, port: None } => write!(f, "{ip}"),
            Entry::Name { host, port: Some(port) } => write!(f, "{host}:{port}"),
            Entry::Name { host, port: None } => write!(f, "{host}"),
        }
    }
}

/// One address for all of a host's. A listener on [::] sees IPv4 clients as mapped addresses; they are the same
/// clients. An IPv6 host has a whole /64 to itself.
pub fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => mask(IpAddr::V6(v6), 64),
        other => other,
    }
}

fn right_port(allowed: Option<u16>, url: &CallbackUrl) -> bool {
    allowed.is_none_or(|port| port == url.port.unwrap_or(if url.https { 443 } else { 80 }))
}

/// A name with a final dot is the same name.
fn plain(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// The address that a host is, if it is one. Refused are the spellings that some resolvers read as an
/// address and we would read as a name: `127.1`, `2130706433`, `0x7f.1`, `0177.0.0.1`.
fn literal(host: &str) -> Result<Option<IpAddr>, String> {
    if let Ok(ip) = host.parse() {
        return Ok(Some(ip));
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if last.is_empty() || hex || last.bytes().all(|b| b.is_ascii_digit()) || host.contains(':') {
        return Err(format!("{host} is neither a name nor an address; write an address as 192.168.0.1"));
    }
    Ok(None)
}

fn mask(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip) & u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)).into(),
    }
}

/// An address that carries another one inside is as bad as the worse of the two: a gateway would unpack it.
fn classify(ip: IpAddr) -> Class {
    match ip.to_canonical() {
        IpAddr::V4(ip) => classify_v4(ip),
        IpAddr::V6(ip) => embedded(ip).into_iter().map(classify_v4).chain([classify_v6(ip)]).max().unwrap_or(Class::Private),
    }
}

/// Metadata services: most clouds, Alibaba Cloud, Azure, Oracle.
const METADATA_V4: [[u8; 4]; 4] = [[169, 254, 169, 254], [100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]];
/// The same of AWS and Google Cloud.
const METADATA_V6: [Ipv6Addr; 2] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

fn classify_v4(ip: Ipv4Addr) -> Class {
    match ip.octets() {
        octets if METADATA_V4.contains(&octets) => Class::Guarded,
        [169, 254, ..] => Class::Guarded,
        [0 | 10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Class::Private,
        // Protocol assignments, documentation, 6to4 relays, benchmarks: nothing public answers there.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => Class::Private,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => Class::Private,
        _ => Class::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> Class {
    if METADATA_V6.contains(&ip) {
        return Class::Guarded;
    }
    match ip.segments() {
        [0xfe80..=0xfebf, ..] => Class::Guarded,
        // NAT64 of the well-known prefix is public when what it carries is.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Class::Public,
        // Local NAT64, discard, unspecified, loopback and IPv4-compatible.
        [0x64, 0xff9b, ..] | [0x100, ..] | [0, ..] => Class::Private,
        // Teredo and other protocol assignments, documentation, segment routing.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x5f00, ..] => Class::Private,
        // Unique local, site-local, multicast.
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] | [0xff00..=0xffff, ..] => Class::Private,
        _ => Class::Public,
    }
}

/// The IPv4 addresses inside an IPv6 one: NAT64, IPv4-compatible, 6to4, Teredo (inverted), ISATAP.
fn embedded(ip: Ipv6Addr) -> Vec<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        [0x64, 0xff9b, .., a, b] | [0, 0, 0, 0, 0, 0, a, b] => vec![v4(a, b)],
        [0x2002, a, b, ..] => vec![v4(a, b)],
        [0x2001, 0, a, b, .., c, d] => vec![v4(a, b), v4(!c, !d)],
        [.., 0 | 0x200, 0x5efe, a, b] => vec![v4(a, b)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AllowList {
        AllowList::parse(&entries.iter().map(|e| e.to_string()).collect::<Vec<_>>()).unwrap()
    }

    fn url(text: &str) -> CallbackUrl {
        CallbackUrl::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn entries_are_read_and_written() {
        for (text, expected) in [
            ("any", Ok("any")),
            ("10.0.0.0/8", Ok("10.0.0.0/8")),
            ("::/0", Ok("::/0")),
            ("fd00::/8", Ok("fd00::/8")),
            ("ERP.lan.:8080", Ok("erp.lan:8080")),
            ("erp", Ok("erp")),
            ("::1", Ok("::1")),
            ("[::1]:80", Ok("[::1]:80")),
            ("[fe80::1]", Ok("fe80::1")),
            ("127.0.0.1:9000", Ok("127.0.0.1:9000")),
            ("::ffff:10.0.0.1", Ok("10.0.0.1")),
            ("10.1.2.3/8", Err("write 10.0.0.0/8")),
            ("10.0.0.0/33", Err("0 to 32")),
            ("10/8", Err("not a block")),
            ("", Err("not an address")),
            ("http://a", Err("not a block")),
            ("a:b", Err("not an address")),
            ("a:0", Err("not an address")),
            ("*.lan", Err("not an address")),
            ("127.1", Err("neither a name nor an address")),
            ("0x7f000001", Err("neither a name nor an address")),
        ] {
            match (AllowList::parse(&[text.to_string()]), expected) {
                (Ok(list), Ok(written)) => assert_eq!(list.entries(), [written], "{text}"),
                (Err(why), Err(part)) => assert!(why.contains(part) && why.contains(text), "{text}: {why}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }

    #[test]
    fn one_cloud_lets_a_public_host_have_a_port() {
        for (allowed, text, expected) in [
            ("", "http://cb.example.com:8080/", ""),
            ("", "http://8.8.8.8:1/", ""),
            ("", "http://10.1.2.3:80/", "private"),
            ("", "http://10.1.2.3/", "private"),
            ("10.1.2.3:81", "http://10.1.2.3:80/", "private"),
            ("10.1.2.3:81", "http://10.1.2.3:81/", ""),
            ("", "http://169.254.169.254:80/", "metadata"),
            ("", "http://127.1:80/", "neither a name nor an address"),
        ] {
            let allow = list(if allowed.is_empty() { &[] } else { std::slice::from_ref(&allowed) }).with_any_port();
            match allow.check_url(&url(text)) {
                Ok(()) => assert_eq!(expected, "", "{text}"),
                Err(why) => assert!(!expected.is_empty() && why.contains(expected), "{text}: {why}"),
            }
            let named = url("http://cb.example.com:8080/");
            assert!(allow.permits(&named, Ipv4Addr::new(8, 8, 8, 8).into()) && !allow.permits(&named, Ipv4Addr::new(10, 0, 0, 7).into()), "{allowed}");
        }
    }

    #[test]
    fn urls_are_checked_at_configuration() {
        let no = "!";
        for (allowed, text, expected) in [
            ("", "http://cb.example.com/x", ""),
            ("", "https://cb.example.com", ""),
            ("", "http://8.8.8.8/", ""),
            ("", "http://cb.example.com:8080/", "port 8080 is not allowed"),
            ("", "http://cb.example.com:80/", "port 80"),
            ("", "http://127.0.0.1/", "private"),
            ("", "http://127.0.0.1./", "private"),
            ("", "http://10.1.2.3/", "private"),
            ("", "http://100.64.0.1/", "private"),
            ("", "http://[::1]/", "private"),
            ("", "http://[::]/", "private"),
            ("", "http://[::ffff:127.0.0.1]/", "private"),
            ("", "http://[64:ff9b::7f00:1]/", "private"),
            ("", "http://[2002:7f00:1::]/", "private"),
            ("", "http://localhost/", "private"),
            ("", "http://LOCALHOST./", "private"),
            ("", "http://a.localhost/", "private"),
            ("", "http://0.0.0.0/", "private"),
            ("", "http://255.255.255.255/", "private"),
            ("", "http://169.254.169.254/latest", "metadata"),
            ("", "http://100.100.100.200/", "metadata"),
            ("", "http://[fe80::1]/", "link-local"),
            ("", "http://0x7f.1/", no),
            ("", "http://0x7f000001/", no),
            ("", "http://2130706433/", no),
            ("", "http://127.1/", no),
            ("", "http://0177.0.0.1/", no),
            ("", "http://127.0.0.1./", "private"),
            ("any", "http://127.1/", no),
            ("any", "http://127.0.0.1:9000/", ""),
            ("any", "http://erp.lan:9000/", ""),
            ("any", "http://169.254.169.254/", "metadata"),
            ("any", "http://[fd00:ec2::254]/", "metadata"),
            ("0.0.0.0/0", "http://169.254.169.254/", "metadata"),
            ("169.254.169.254", "http://169.254.169.254/", ""),
            ("169.254.169.254:80", "http://169.254.169.254:81/", "metadata"),
            ("10.0.0.0/8", "http://10.9.9.9:81/", ""),
            ("10.0.0.0/8", "http://11.9.9.9:81/", "port 81"),
            ("10.0.0.0/8", "http://[::ffff:10.1.1.1]/", ""),
            ("127.0.0.0/8", "http://localhost:9000/", ""),
            ("127.0.0.1:9000", "http://localhost:9000/", ""),
            ("127.0.0.1:9000", "http://127.0.0.1:9001/", "private"),
            ("127.0.0.1:80", "http://127.0.0.1/", ""),
            ("127.0.0.1:80", "https://127.0.0.1/", "private"),
            ("erp.lan:8080", "http://erp.lan.:8080/", ""),
            ("erp.lan:8080", "http://erp.lan:8081/", "port 8081"),
            ("erp.lan", "https://erp.lan:8443/", ""),
            ("erp.lan", "https://x.erp.lan:8443/", "port 8443"),
        ] {
            let list = list(if allowed.is_empty() { &[] } else { std::slice::from_ref(&allowed) });
            match list.check_url(&url(text)) {
                Ok(()) => assert_eq!(expected, "", "{allowed} {text}"),
                Err(why) if expected == no => assert!(why.contains("neither"), "{text}: {why}"),
                Err(why) => assert!(!expected.is_empty() && why.contains(expected), "{allowed} {text}: {why}"),
            }
        }
    }

    #[test]
    fn resolved_addresses_are_checked_at_each_try() {
        let private = [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "fc00::1",
            "fdff::1",
            "ff02::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "2002:a00:1::",
            "2001:0:0808:0808::f5ff:fffe",
            "2001:db8::1",
            "2600::5efe:10.0.0.1",
        ];
        let guarded = [
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::",
            "100.100.100.200",
        ];
        let public = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2600::1", "64:ff9b::8.8.8.8", "2002:808:808::"];
        let strict = list(&[]);
        let any = list(&["any", "0.0.0.0/0", "::/0", "cb.example.com"]);
        let (target, ported) = (url("http://cb.example.com/"), url("http://cb.example.com:81/"));
        for (addresses, by_default, by_any) in [(&private[..], false, true), (&guarded[..], false, false), (&public[..], true, true)] {
            for text in addresses {
                let ip = text.parse().unwrap();
                assert_eq!(strict.permits(&target, ip), by_default, "{text}");
                assert!(!strict.permits(&ported, ip), "{text}");
                assert_eq!((any.permits(&target, ip), any.permits(&ported, ip)), (by_any, by_any), "{text}");
                assert!(list(&[text]).permits(&ported, ip), "{text}, named exactly");
            }
        }
        let some = list(&["192.168.0.0/16", "10.0.0.1:81", "erp.lan"]);
        for (target, ip, expected) in [
            ("http://cb.example.com/", "192.168.7.7", true),
            ("http://cb.example.com:99/", "192.168.7.7", true),
            ("http://cb.example.com:99/", "8.8.8.8", false),
            ("http://cb.example.com/", "10.0.0.1", false),
            ("http://cb.example.com:81/", "10.0.0.1", true),
            ("http://erp.lan:9/", "10.0.0.2", true),
            ("http://erp.lan:9/", "169.254.169.254", false),
        ] {
            assert_eq!(some.permits(&url(target), ip.parse().unwrap()), expected, "{target} {ip}");
        }
    }
}
