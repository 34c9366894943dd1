package postgres

func (s *session) leavesSchema(p *prepared) string                       { return "not yet" }
func (s *session) partAside() (*link, error)                             { return nil, nil }
func (s *session) syncAside() error                                      { return nil }
func (s *session) divertQuery(p *prepared, m message) error              { return nil }
func (s *session) divertPortal(po *portal, m message, most uint32) error { return nil }
func (s *session) controlAside(p *prepared) (bool, error)                { return false, nil }
