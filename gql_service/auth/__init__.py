"""Who asks, and what they may do: pure rules that know no database and no protocol."""
