"""The parts of StackStorm that pack code imports, made anew for processes of packs."""
