"""Who people are according to others: LDAP, OpenID Connect, a proxy in front of us."""
