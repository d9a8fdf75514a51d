"""What acts on the machine: it runs resolvers, installers and builds, each shown before it is run."""
