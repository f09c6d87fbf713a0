//! Who may be called (`alibaba.md` §2.1, `design.md` §5): the clouds' rule and the allow-list over it.
//! Checked when a URL is configured and again on each address that its name resolves to.

use super::endpoint::CallbackUrl;
use std::net::IpAddr;

/// The addresses that are allowed although the clouds' rule (no port, no private address) forbids them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {}

impl AllowList {
    /// Each entry is `any`, a CIDR block, or `HOST[:PORT]`. The error names the entry and what to write instead.
    pub fn parse(_entries: &[String]) -> Result<AllowList, String> {
        Ok(AllowList {})
    }

    /// The rule at configuration. The error says which part of the URL is not allowed.
    pub fn check_url(&self, _url: &CallbackUrl) -> Result<(), String> {
        Ok(())
    }

    /// The rule at each try: may `ip`, to which the URL's host was resolved, be connected to?
    pub fn permits(&self, _url: &CallbackUrl, _ip: IpAddr) -> bool {
        true
    }
}
