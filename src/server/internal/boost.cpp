// The compiled parts of Boost.Asio and Boost.Beast (both are used as headers everywhere else).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
